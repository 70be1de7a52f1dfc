//! The test service, as gRPC's test descriptions have it.

use std::time::Duration;

use rpc_runtime::{CallError, Closed, Code, Context, Sender, Streaming};
use tokio::time::sleep;

use crate::grpc::testing::{
    EchoStatus, Empty, Payload, SimpleRequest, SimpleResponse, StreamingInputCallRequest, StreamingInputCallResponse,
    StreamingOutputCallRequest, StreamingOutputCallResponse, TestService,
};

/// Comes back ahead of the reply.
pub(crate) const INITIAL: &str = "x-grpc-test-echo-initial";
/// Comes back behind it.
pub(crate) const TRAILING: &str = "x-grpc-test-echo-trailing-bin";

/// The implementation.
pub(crate) struct Tester;

type Responses = Streaming<StreamingOutputCallResponse>;

impl TestService for Tester {
    async fn empty_call(&self, _request: Empty) -> Result<Empty, CallError> {
        echo_metadata()?;
        Ok(Empty {})
    }

    async fn unary_call(&self, request: SimpleRequest) -> Result<SimpleResponse, CallError> {
        echo_metadata()?;
        fail_if_asked(request.response_status)?;
        Ok(SimpleResponse { payload: Some(payload(request.response_size)), ..SimpleResponse::default() })
    }

    async fn cacheable_unary_call(&self, request: SimpleRequest) -> Result<SimpleResponse, CallError> {
        self.unary_call(request).await
    }

    async fn streaming_output_call(&self, request: StreamingOutputCallRequest) -> Result<Responses, CallError> {
        echo_metadata()?;
        let (sender, responses) = Streaming::channel();
        // Ends with the stream.
        tokio::spawn(async move {
            match respond(&sender, request).await {
                Ok(Some(error)) => sender.end_with(error).await,
                Ok(None) => Ok(()),
                Err(closed) => Err(closed),
            }
        });
        Ok(responses)
    }

    async fn streaming_input_call(
        &self,
        mut requests: Streaming<StreamingInputCallRequest>,
    ) -> Result<StreamingInputCallResponse, CallError> {
        echo_metadata()?;
        let mut size = 0;
        while let Some(request) = requests.next().await {
            size += request?.payload.unwrap_or_default().body.len();
        }
        Ok(StreamingInputCallResponse { aggregated_payload_size: i32::try_from(size).unwrap_or(i32::MAX) })
    }

    async fn full_duplex_call(
        &self,
        mut requests: Streaming<StreamingOutputCallRequest>,
    ) -> Result<Responses, CallError> {
        echo_metadata()?;
        let (sender, responses) = Streaming::channel();
        // Ends with either stream.
        tokio::spawn(async move {
            while let Some(request) = requests.next().await {
                let failed = match request {
                    Ok(request) => respond(&sender, request).await?,
                    Err(error) => Some(error),
                };
                if let Some(error) = failed {
                    return sender.end_with(error).await;
                }
            }
            Ok(())
        });
        Ok(responses)
    }

    async fn half_duplex_call(&self, requests: Streaming<StreamingOutputCallRequest>) -> Result<Responses, CallError> {
        self.full_duplex_call(requests).await
    }

    async fn unimplemented_call(&self, _request: Empty) -> Result<Empty, CallError> {
        Err(CallError::failed("this method is not implemented").with_code(Code::Unimplemented))
    }
}

/// Sends what a request asks for; gives the error that it asks for.
async fn respond(
    sender: &Sender<StreamingOutputCallResponse>,
    request: StreamingOutputCallRequest,
) -> Result<Option<CallError>, Closed> {
    if let Err(error) = fail_if_asked(request.response_status) {
        return Ok(Some(error));
    }
    for parameters in request.response_parameters {
        sleep(Duration::from_micros(parameters.interval_us.try_into().unwrap_or(0))).await;
        sender.send(StreamingOutputCallResponse { payload: Some(payload(parameters.size)) }).await?;
    }
    Ok(None)
}

/// A payload of so many zeros.
pub(crate) fn payload(bytes: i32) -> Payload {
    Payload { body: vec![0; bytes.try_into().unwrap_or(0)], ..Payload::default() }
}

fn fail_if_asked(asked: Option<EchoStatus>) -> Result<(), CallError> {
    match asked {
        Some(status) if status.code > 0 => {
            Err(CallError::failed(status.message).with_code(Code::from_number(status.code.unsigned_abs())))
        }
        _ => Ok(()),
    }
}

fn echo_metadata() -> Result<(), CallError> {
    let Some(context) = Context::current() else { return Ok(()) };
    for value in context.metadata().get_all(INITIAL) {
        context.add_header(INITIAL, value.clone()).map_err(CallError::failed)?;
    }
    for value in context.metadata().get_all(TRAILING) {
        context.add_trailer(TRAILING, value.clone()).map_err(CallError::failed)?;
    }
    Ok(())
}
