/// A place.
#[derive(Clone, PartialEq, Message)]
#[rpc(prost, descriptors = "super::FILE_DESCRIPTOR_SET")]
pub struct Point {
    #[prost(int32, tag = "1")]
    pub latitude: i32,
}

#[derive(Message)]
#[rpc(prost)]
pub struct Named {}
