#[interface(package = "routeguide")]
pub trait RouteGuide {
    #[rpc(message)]
    async fn get_feature(&self, request: Point) -> Result<Feature, CallError>;
    #[rpc(message, name = "getFeatureBy")]
    async fn get_feature_by(&self, point: &Point) -> Answer<Feature>;
    #[rpc(message)]
    async fn list_features(&self, request: Rectangle) -> Result<Streaming<Feature>, CallError>;
    #[rpc(message)]
    async fn record_route(&self, request: Streaming<Point>) -> Result<RouteSummary, CallError>;
    #[rpc(message)]
    async fn ping(&self) -> Result<(), CallError>;
}
