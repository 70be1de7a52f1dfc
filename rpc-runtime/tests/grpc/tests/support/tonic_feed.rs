//! A feed by tonic's server, which knows nothing of this project.

use std::convert::Infallible;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use rpc_runtime::{Bytes, Message, idl};
use tokio::net::TcpListener;
use tokio::sync::Notify;
use tokio_stream::{Stream, StreamExt, iter, wrappers::ReceiverStream};
use tonic::codegen::Service;
use tonic::{Request, Response, Status, Streaming};

use crate::feed::{Line, MyFeed};
use crate::tonic_client::Raw;

type Items = Pin<Box<dyn Stream<Item = Result<Bytes, Status>> + Send>>;
type Answering<T> = Pin<Box<dyn Future<Output = Result<Response<T>, Status>> + Send>>;

#[derive(Clone)]
struct Foreign(Arc<MyFeed>);

/// A call of one method.
struct Called(String, Arc<MyFeed>);

/// Serves, and gives where.
pub(crate) async fn serve(feed: Arc<MyFeed>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("it listens");
    let address = format!("http://{}", listener.local_addr().expect("an address"));
    let incoming = tonic::transport::server::TcpIncoming::from(listener);
    tokio::spawn(tonic::transport::Server::builder().add_service(Foreign(feed)).serve_with_incoming(incoming));
    address
}

impl tonic::server::NamedService for Foreign {
    const NAME: &'static str = "Feed";
}

impl Service<http::Request<tonic::body::Body>> for Foreign {
    type Response = http::Response<tonic::body::Body>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Infallible>> + Send>>;

    fn poll_ready(&mut self, _cx: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: http::Request<tonic::body::Body>) -> Self::Future {
        let method = request.uri().path().rsplit('/').next().expect("a method").to_owned();
        let called = Called(method.clone(), Arc::clone(&self.0));
        Box::pin(async move {
            let mut grpc = tonic::server::Grpc::new(Raw);
            Ok(match method.as_str() {
                "Count" | "Lines" | "NeverOpens" => grpc.server_streaming(called, request).await,
                "Sum" | "First" | "Hold" => grpc.client_streaming(called, request).await,
                "Echo" => grpc.streaming(called, request).await,
                _ => grpc.unary(called, request).await,
            })
        })
    }
}

fn encoded(message: &impl Message) -> Bytes {
    idl::to_vec(message).expect("encodes").into()
}

impl tonic::server::UnaryService<Bytes> for Called {
    type Response = Bytes;
    type Future = Answering<Bytes>;

    fn call(&mut self, _request: Request<Bytes>) -> Self::Future {
        Box::pin(async { Ok(Response::new(encoded(&(1u64,)))) })
    }
}

impl tonic::server::ServerStreamingService<Bytes> for Called {
    type Response = Bytes;
    type ResponseStream = Items;
    type Future = Answering<Items>;

    fn call(&mut self, request: Request<Bytes>) -> Self::Future {
        let Called(method, feed) = self;
        let lines = (method == "Lines").then(|| feed.counted());
        let method = method.clone();
        Box::pin(async move {
            let items: Items = match method.as_str() {
                "Lines" => Box::pin(iter(lines.into_iter().flatten().map(|line| Ok(encoded(&line))))),
                "Count" => {
                    let (to, fails): (u64, bool) = idl::from_slice(request.get_ref()).expect("decodes");
                    if to > 1_000_000 {
                        return Err(Status::out_of_range("too many"));
                    }
                    let end = fails.then(|| Err(Status::not_found("no more")));
                    Box::pin(iter((0..to).map(|number| Ok(encoded(&(number,)))).chain(end)))
                }
                _ => std::future::pending().await,
            };
            Ok(Response::new(items))
        })
    }
}

/// Says of a call that it has ended, or was dropped.
struct Ended(Arc<Notify>);

impl Drop for Ended {
    fn drop(&mut self) {
        self.0.notify_one();
    }
}

impl tonic::server::ClientStreamingService<Bytes> for Called {
    type Response = Bytes;
    type Future = Answering<Bytes>;

    fn call(&mut self, request: Request<Streaming<Bytes>>) -> Self::Future {
        let Called(method, feed) = self;
        let (method, ended) = (method.clone(), (method == "Sum").then(|| Ended(Arc::clone(&feed.drops))));
        Box::pin(async move {
            // A caller that is gone looks to tonic like one that is content.
            let _ended = ended;
            let mut numbers = request.into_inner();
            if method == "Hold" {
                std::future::pending::<()>().await;
            }
            let mut sum = 0;
            while let Some(number) = numbers.next().await {
                let (number,): (u64,) = idl::from_slice(&number?).expect("decodes");
                if method == "First" {
                    return Ok(Response::new(encoded(&(Some(number),))));
                }
                sum += number;
            }
            if sum == crate::feed::STUCK {
                std::future::pending::<()>().await;
            }
            Ok(Response::new(encoded(&(sum,))))
        })
    }
}

impl tonic::server::StreamingService<Bytes> for Called {
    type Response = Bytes;
    type ResponseStream = Items;
    type Future = Answering<Items>;

    fn call(&mut self, request: Request<Streaming<Bytes>>) -> Self::Future {
        Box::pin(async move {
            let mut lines = request.into_inner();
            let (sender, echo) = tokio::sync::mpsc::channel(1);
            tokio::spawn(async move {
                let mut number = 0;
                while let Some(Ok(line)) = lines.next().await {
                    let (text,): (String,) = idl::from_slice(&line).expect("decodes");
                    number += 1;
                    if sender.send(Ok(encoded(&Line { number, text }))).await.is_err() {
                        return;
                    }
                }
            });
            let echo: Items = Box::pin(ReceiverStream::new(echo));
            Ok(Response::new(echo))
        })
    }
}
