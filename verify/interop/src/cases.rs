//! gRPC's interoperability cases, as its test descriptions have them, by stubs of ours.

use std::pin::Pin;
use std::process::ExitCode;
use std::time::Duration;

use rpc_runtime::{
    Bytes, CallError, Code, ErrorKind, Metadata, MetadataError, Node, ReplyMetadata, Streaming, with_metadata, within,
};
use tokio::time::timeout;

use crate::Failure;
use crate::grpc::testing::{
    EchoStatus, Empty, ResponseParameters, SimpleRequest, StreamingInputCallRequest, StreamingOutputCallRequest,
    StreamingOutputCallResponse, TestService, TestServiceClient, UnimplementedService, UnimplementedServiceClient,
};
use crate::service::{INITIAL, TRAILING, payload};

const REQUEST_SIZES: [i32; 4] = [27182, 8, 1828, 45904];
const RESPONSE_SIZES: [i32; 4] = [31415, 9, 2653, 58979];
/// More than any case takes that does not hang.
const LONG: Duration = Duration::from_secs(60);

type Case = Pin<Box<dyn Future<Output = Result<(), Failure>> + Send>>;

/// Runs every case, and says what became of each.
#[expect(clippy::print_stdout, clippy::print_stderr, reason = "what the program is run for")]
pub(crate) async fn run(address: &str) -> Result<ExitCode, Failure> {
    let node = Node::builder().start().await?;
    let tester: TestServiceClient = node.import_grpc(address).await?;
    let other: UnimplementedServiceClient = node.import_grpc(address).await?;
    let tester = || tester.clone();
    let cases: [(&str, Case); 14] = [
        ("empty_unary", Box::pin(empty_unary(tester()))),
        ("large_unary", Box::pin(large_unary(tester()))),
        ("client_streaming", Box::pin(client_streaming(tester()))),
        ("server_streaming", Box::pin(server_streaming(tester()))),
        ("ping_pong", Box::pin(ping_pong(tester()))),
        ("empty_stream", Box::pin(empty_stream(tester()))),
        ("custom_metadata", Box::pin(custom_metadata(tester()))),
        ("status_code_and_message", Box::pin(status_code_and_message(tester()))),
        ("special_status_message", Box::pin(special_status_message(tester()))),
        ("unimplemented_method", Box::pin(unimplemented_method(tester()))),
        ("unimplemented_service", Box::pin(unimplemented_service(other))),
        ("cancel_after_begin", Box::pin(cancel_after_begin(tester()))),
        ("cancel_after_first_response", Box::pin(cancel_after_first_response(tester()))),
        ("timeout_on_sleeping_server", Box::pin(timeout_on_sleeping_server(tester()))),
    ];
    let mut failed = 0;
    for (name, case) in cases {
        // In a task of its own, so that a panic is the end of the case alone.
        match timeout(LONG, tokio::spawn(case)).await {
            Ok(Ok(Ok(()))) => println!("ok      {name}"),
            why => {
                failed += 1;
                println!("FAILED  {name}");
                eprintln!("{name}: {why:?}");
            }
        }
    }
    Ok(ExitCode::from(u8::from(failed > 0)))
}

async fn empty_unary(tester: TestServiceClient) -> Result<(), Failure> {
    assert_eq!(tester.empty_call(Empty {}).await?, Empty {});
    Ok(())
}

fn large() -> SimpleRequest {
    SimpleRequest { response_size: 314_159, payload: Some(payload(271_828)), ..SimpleRequest::default() }
}

async fn large_unary(tester: TestServiceClient) -> Result<(), Failure> {
    let response = tester.unary_call(large()).await?;
    assert_eq!(response.payload.unwrap_or_default().body, vec![0; 314_159]);
    Ok(())
}

async fn client_streaming(tester: TestServiceClient) -> Result<(), Failure> {
    let requests = REQUEST_SIZES
        .map(|size| StreamingInputCallRequest { payload: Some(payload(size)), ..StreamingInputCallRequest::default() });
    let response = tester.streaming_input_call(Streaming::from_iter(requests)).await?;
    assert_eq!(response.aggregated_payload_size, 74_922);
    Ok(())
}

/// A request for responses of these sizes.
fn request(response_sizes: &[i32], request_size: i32) -> StreamingOutputCallRequest {
    let parameters = |size: &i32| ResponseParameters { size: *size, ..ResponseParameters::default() };
    let response_parameters = response_sizes.iter().map(parameters).collect();
    let payload = Some(payload(request_size));
    StreamingOutputCallRequest { response_parameters, payload, ..StreamingOutputCallRequest::default() }
}

/// The size of the next response; `None` after the last.
async fn next_size(responses: &mut Streaming<StreamingOutputCallResponse>) -> Result<Option<usize>, CallError> {
    let response = responses.next().await.transpose()?;
    Ok(response.map(|response| response.payload.unwrap_or_default().body.len()))
}

async fn server_streaming(tester: TestServiceClient) -> Result<(), Failure> {
    let mut responses = tester.streaming_output_call(request(&RESPONSE_SIZES, 0)).await?;
    for size in RESPONSE_SIZES {
        assert_eq!(next_size(&mut responses).await?, Some(size as usize));
    }
    assert_eq!(next_size(&mut responses).await?, None);
    Ok(())
}

async fn ping_pong(tester: TestServiceClient) -> Result<(), Failure> {
    let (sender, requests) = Streaming::channel();
    let mut responses = tester.full_duplex_call(requests).await?;
    for (request_size, response_size) in REQUEST_SIZES.into_iter().zip(RESPONSE_SIZES) {
        sender.send(request(&[response_size], request_size)).await?;
        assert_eq!(next_size(&mut responses).await?, Some(response_size as usize));
    }
    drop(sender);
    assert_eq!(next_size(&mut responses).await?, None);
    Ok(())
}

async fn empty_stream(tester: TestServiceClient) -> Result<(), Failure> {
    let mut responses = tester.full_duplex_call(Streaming::from_iter([])).await?;
    assert_eq!(next_size(&mut responses).await?, None);
    Ok(())
}

async fn custom_metadata(tester: TestServiceClient) -> Result<(), Failure> {
    with_metadata(asked_metadata()?, async {
        let beside = ReplyMetadata::new();
        beside.scope(tester.unary_call(large())).await?;
        assert_echoed(&beside);

        let beside = ReplyMetadata::new();
        let requests = Streaming::from_iter([request(&[314_159], 271_828)]);
        let mut responses = beside.scope(tester.full_duplex_call(requests)).await?;
        assert_eq!(next_size(&mut responses).await?, Some(314_159));
        assert_eq!(next_size(&mut responses).await?, None);
        assert_echoed(&beside);
        Ok(())
    })
    .await
}

fn asked_metadata() -> Result<Metadata, MetadataError> {
    let mut metadata = Metadata::new();
    metadata.add(INITIAL, "test_initial_metadata_value")?;
    metadata.add(TRAILING, Bytes::from_static(b"\xab\xab\xab"))?;
    Ok(metadata)
}

fn assert_echoed(beside: &ReplyMetadata) {
    assert_eq!(beside.header().get_text(INITIAL), Some("test_initial_metadata_value"));
    assert_eq!(beside.trailer().get(TRAILING).map(|value| &value[..]), Some(&b"\xab\xab\xab"[..]));
}

/// Whether the server's error has this code and says this.
fn assert_failed(error: &CallError, code: Code, text: &str) {
    assert_eq!(error.code(), Some(code), "{error}");
    assert!(error.to_string().contains(text), "{error}");
}

fn asked_status(message: &str) -> Option<EchoStatus> {
    Some(EchoStatus { code: Code::Unknown.number() as i32, message: message.to_owned() })
}

async fn status_code_and_message(tester: TestServiceClient) -> Result<(), Failure> {
    const TEXT: &str = "test status message";
    let unary = SimpleRequest { response_status: asked_status(TEXT), ..SimpleRequest::default() };
    assert_failed(&tester.unary_call(unary).await.expect_err("a status"), Code::Unknown, TEXT);

    let stream =
        StreamingOutputCallRequest { response_status: asked_status(TEXT), ..StreamingOutputCallRequest::default() };
    let mut responses = tester.full_duplex_call(Streaming::from_iter([stream])).await?;
    assert_failed(&next_size(&mut responses).await.expect_err("a status"), Code::Unknown, TEXT);
    Ok(())
}

async fn special_status_message(tester: TestServiceClient) -> Result<(), Failure> {
    const TEXT: &str = "\t\ntest with whitespace\r\nand Unicode BMP ☺ and non-BMP 😈\t\n";
    let unary = SimpleRequest { response_status: asked_status(TEXT), ..SimpleRequest::default() };
    assert_failed(&tester.unary_call(unary).await.expect_err("a status"), Code::Unknown, TEXT);
    Ok(())
}

async fn unimplemented_method(tester: TestServiceClient) -> Result<(), Failure> {
    assert_failed(&tester.unimplemented_call(Empty {}).await.expect_err("none"), Code::Unimplemented, "");
    Ok(())
}

async fn unimplemented_service(other: UnimplementedServiceClient) -> Result<(), Failure> {
    assert_failed(&other.unimplemented_call(Empty {}).await.expect_err("none"), Code::Unimplemented, "");
    Ok(())
}

async fn cancel_after_begin(tester: TestServiceClient) -> Result<(), Failure> {
    let (sender, requests) = Streaming::channel();
    let mut call = Box::pin(tester.streaming_input_call(requests));
    // The first poll sends it.
    let begun = timeout(Duration::ZERO, &mut call).await;
    assert!(begun.is_err(), "it has ended: {begun:?}");
    drop(call);
    sender.closed().await;
    Ok(())
}

async fn cancel_after_first_response(tester: TestServiceClient) -> Result<(), Failure> {
    let (sender, requests) = Streaming::channel();
    let mut responses = tester.full_duplex_call(requests).await?;
    sender.send(request(&[31_415], 27_182)).await?;
    assert_eq!(next_size(&mut responses).await?, Some(31_415));
    drop(responses);
    sender.closed().await;
    Ok(())
}

async fn timeout_on_sleeping_server(tester: TestServiceClient) -> Result<(), Failure> {
    let (sender, requests) = Streaming::channel();
    let call = within(Duration::from_millis(1), async {
        let mut responses = tester.full_duplex_call(requests).await?;
        // It may be late already.
        let _ = sender.send(request(&[], 27_182)).await;
        next_size(&mut responses).await
    });
    let error = call.await.expect_err("nothing is answered");
    assert_eq!(error.kind(), ErrorKind::DeadlineExceeded, "{error}");
    Ok(())
}
