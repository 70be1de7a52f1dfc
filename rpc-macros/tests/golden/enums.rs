/// Without data.
#[derive(Message)]
enum Colour {
    /// As blood.
    Red,
    #[rpc(tag = 5)]
    Green,
    #[rpc(name = "Azure")]
    Blue,
}

#[derive(Message)]
enum State {
    #[default]
    Idle,
    Busy,
    #[rpc(other)]
    Unknown,
}

#[derive(Message)]
enum Foreign {
    #[rpc(tag = 0)]
    Universal,
    Web,
}

/// With data.
#[derive(Message)]
enum Drawing<T> {
    /// Nothing drawn.
    #[default]
    Empty,
    Label(String),
    Number(#[rpc(as = "int64")] i64),
    Circle {
        radius: f64,
        #[rpc(tag = 4)]
        at: T,
    },
    Line(T, T),
    Blank {},
}
