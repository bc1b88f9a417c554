//! The tools over the Model Context Protocol: the only file that knows the SDK, its runtime and its messages.
//!
//! A call runs in a thread of its own, so that a long run holds nothing up. `notifications/cancelled`, the end of the input
//! and Ctrl-C end it. A person is asked in the way that the version of the client has: with `elicitation/create`, or, since
//! 2026-07-28, with an answer that says which input is needed; the client then calls again.

use std::collections::{BTreeMap, HashMap};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use rmcp::model::{
    CallToolRequestParams, CallToolResponse, CallToolResult, ElicitRequest, ElicitRequestParams, ElicitationAction,
    ElicitationSchema, Implementation, InputRequest, InputRequiredResult, ListToolsResult, PaginatedRequestParams,
    ProgressNotificationParam, ProtocolVersion, ServerCapabilities, ServerConfig, Tool as Listed, ToolAnnotations,
};
use rmcp::service::{RequestContext, RoleServer, serve_server};
use rmcp::{ErrorData, ServerHandler};
use serde_json::{Map, Value as Json, json};
use tokio::sync::mpsc::unbounded_channel;

use super::table::{Effect, TOOLS};
use super::{Config, Job, Need, Refusal, Tools};
use crate::transport::Interrupt;

/// What an agent is told at the beginning.
const INSTRUCTIONS: &str = "\
flowrun tests devices on serial ports with declarative `.flow` files. Call `language` and `examples` before you write one. \
Write a flow and its device file, `check` both, and `run` the flow on `sim`, its simulated device, which takes no time. \
Real ports need the consent of the person: flowrun asks, or the person starts the server with `--allow-port`. \
All paths are below one folder. Secrets have names in every result, as «name».";

/// What the request to the person is called in the protocol.
const CONSENT: &str = "consent";

/// The answer that lasts.
const REMEMBER: &str = "remember";

/// How long the person may think.
const THINKING: Duration = Duration::from_secs(600);

/// How long calls may take to end when the server does: a `finally` needs time.
const ENDING: Duration = Duration::from_secs(40);

/// How often the server looks whether somebody ends it.
const LOOK: Duration = Duration::from_millis(100);

/// How many questions may be open.
const MOST_QUESTIONS: usize = 100;

struct Server {
    tools: Arc<Tools>,
    jobs: Mutex<Vec<Weak<Job>>>,
    /// Questions that were given to the client and not answered yet.
    questions: Mutex<HashMap<String, Vec<Need>>>,
    n_questions: AtomicU64,
}

/// Serves an agent on standard input and output until it leaves, or somebody ends the process.
///
/// # Errors
///
/// The server cannot begin, or the other end does not speak the protocol.
pub(crate) fn serve(config: Config) -> Result<(), Refusal> {
    let interrupt = Interrupt::installed()
        .map_err(|error| Refusal::new(format!("Ctrl-C cannot be received: {error}"), "start it again"))?;
    let tools = Arc::new(Tools::new(config)?);
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Refusal::new(format!("the system gives no runtime: {error}"), "start it again"))?;
    let server = Arc::new(Server {
        tools: tools.clone(),
        jobs: Mutex::default(),
        questions: Mutex::default(),
        n_questions: AtomicU64::new(0),
    });
    let ended = runtime.block_on(until_end(server.clone(), &interrupt));
    server.cancel_all();
    // Reading standard input cannot be ended; a call that ends is waited for.
    let waited = runtime.block_on(async {
        for _ in 0..ENDING.as_millis() / LOOK.as_millis() {
            if server.is_idle() {
                return true;
            }
            tokio::time::sleep(LOOK).await;
        }
        false
    });
    if waited {
        tools.end();
    }
    runtime.shutdown_background();
    ended
}

async fn until_end(server: Arc<Server>, interrupt: &Interrupt) -> Result<(), Refusal> {
    let raised = async {
        while !interrupt.is_raised() {
            tokio::time::sleep(LOOK).await;
        }
    };
    let served = async {
        let running = serve_server(server, rmcp::transport::stdio()).await.map_err(|error| {
            let help = "start `flowrun-mcp` from an MCP client; docs/agents.md has configurations to paste";
            Refusal::new(format!("the client does not speak MCP: {error}"), help)
        })?;
        let _ = running.waiting().await;
        Ok(())
    };
    tokio::select! {
        () = raised => Ok(()),
        ended = served => ended,
    }
}

impl Server {
    fn jobs(&self) -> Vec<Arc<Job>> {
        let mut jobs = self.jobs.lock().unwrap_or_else(PoisonError::into_inner);
        jobs.retain(|job| job.strong_count() > 0);
        jobs.iter().filter_map(Weak::upgrade).collect()
    }

    fn cancel_all(&self) {
        self.jobs().iter().for_each(|job| job.cancel());
    }

    fn is_idle(&self) -> bool {
        self.jobs().is_empty()
    }

    /// Carries out a call in a thread; progress goes to the client while it runs.
    async fn carry_out(
        &self,
        name: String,
        arguments: Map<String, Json>,
        granted: Vec<Need>,
        context: &RequestContext<RoleServer>,
    ) -> CallToolResult {
        let (told, mut lines) = unbounded_channel::<String>();
        let job = Arc::new(Job::new(move |line| {
            let _ = told.send(line.to_string());
        }));
        self.jobs.lock().unwrap_or_else(PoisonError::into_inner).push(Arc::downgrade(&job));
        let token = context.meta.get_progress_token();
        let tools = self.tools.clone();
        let mut work = tokio::task::spawn_blocking({
            let job = job.clone();
            move || catch_unwind(AssertUnwindSafe(|| tools.call(&name, &arguments, &granted, &job)))
        });
        let mut n = 0.0;
        let mut is_cancelled = false;
        let done = loop {
            tokio::select! {
                done = &mut work => break done,
                () = context.ct.cancelled(), if !is_cancelled => {
                    is_cancelled = true;
                    job.cancel();
                }
                Some(line) = lines.recv() => {
                    if let Some(token) = &token {
                        n += 1.0;
                        let progress = ProgressNotificationParam::new(token.clone(), n).with_message(line);
                        let _ = context.peer.notify_progress(progress).await;
                    }
                }
            }
        };
        match done {
            Ok(Ok(Ok(result))) => CallToolResult::structured(result),
            Ok(Ok(Err(refusal))) => refused(&refusal),
            Ok(Err(_)) | Err(_) => {
                let help = "this is a defect of flowrun, please report it; the server goes on";
                refused(&Refusal::new("flowrun itself failed in this call", help))
            }
        }
    }

    /// Asks the person before a call; returns what they agreed to, or what the client has to do first.
    async fn ask(
        &self,
        needs: Vec<Need>,
        request: &CallToolRequestParams,
        context: &RequestContext<RoleServer>,
    ) -> Result<Vec<Need>, CallToolResponse> {
        let can_ask = context.client_capabilities().and_then(|has| has.elicitation);
        let has_forms = can_ask.is_some_and(|has| has.form.is_some() || has.url.is_none());
        if needs.is_empty() || !has_forms {
            // The tool itself refuses what nobody agreed to.
            return Ok(Vec::new());
        }
        let answers_later = context.protocol_version().is_some_and(|version| version >= ProtocolVersion::V_2026_07_28);
        let answer = if answers_later {
            match self.answer_to_earlier(&needs, request) {
                Some(answer) => answer,
                None => return Err(self.question(needs, &request.name).into()),
            }
        } else {
            let asked = context.peer.create_elicitation(form(&needs, &request.name));
            match tokio::time::timeout(THINKING, asked).await {
                Ok(Ok(answer)) => {
                    Answered { is_accepted: answer.action == ElicitationAction::Accept, content: answer.content }
                }
                Ok(Err(_)) | Err(_) => Answered { is_accepted: false, content: None },
            }
        };
        if !answer.is_accepted {
            let refusal = Refusal::new(
                "the person did not agree",
                "do not try again without a word from the person; run on `sim`, or ask them what they want",
            );
            return Err(refused(&refusal).into());
        }
        let lasts = answer.content.is_some_and(|content| content[REMEMBER].as_bool().unwrap_or(false));
        if lasts {
            self.tools.remember(&needs);
        }
        Ok(needs)
    }

    /// Returns the question as a result, for a client that calls again with the answer.
    fn question(&self, needs: Vec<Need>, tool: &str) -> InputRequiredResult {
        let request = InputRequest::Elicitation(ElicitRequest::new(form(&needs, tool)));
        let state = format!("question-{}", self.n_questions.fetch_add(1, Ordering::Relaxed));
        let mut questions = self.questions.lock().unwrap_or_else(PoisonError::into_inner);
        if questions.len() >= MOST_QUESTIONS {
            questions.clear();
        }
        questions.insert(state.clone(), needs);
        InputRequiredResult::new(Some(BTreeMap::from([(CONSENT.to_string(), request)])), Some(state))
    }

    /// Returns the answer that comes with a call, if it is one to this question: it counts once.
    fn answer_to_earlier(&self, needs: &[Need], request: &CallToolRequestParams) -> Option<Answered> {
        let state = request.request_state.as_ref()?;
        let answer = request.input_responses.as_ref()?.get(CONSENT)?;
        let asked = self.questions.lock().unwrap_or_else(PoisonError::into_inner).remove(state)?;
        if asked != needs {
            return None;
        }
        let is_accepted = answer["action"].as_str() == Some("accept");
        Some(Answered { is_accepted, content: answer.get("content").cloned() })
    }
}

/// What the person answered.
struct Answered {
    is_accepted: bool,
    content: Option<Json>,
}

/// Returns the question to the person.
fn form(needs: &[Need], tool: &str) -> ElicitRequestParams {
    let wishes: Vec<String> = needs.iter().map(|need| format!("- {}", need.wish())).collect();
    let message = format!("The agent wants to (tool `{tool}`):\n{}\nDo you agree?", wishes.join("\n"));
    let schema = ElicitationSchema::builder()
        .optional_bool_with(REMEMBER, |field| {
            field.title("Do not ask again").description("until this server ends, for these ports").with_default(false)
        })
        .build_unchecked();
    ElicitRequestParams::FormElicitationParams { meta: None, message, requested_schema: schema }
}

fn refused(refusal: &Refusal) -> CallToolResult {
    let data = json!({ "error": refusal.message, "help": refusal.help });
    CallToolResult::structured_error(data)
}

impl ServerHandler for Server {
    fn get_info(&self) -> ServerConfig {
        ServerConfig::new(ServerCapabilities::builder().enable_tools().build())
            .with_server_info(Implementation::new("flowrun", env!("CARGO_PKG_VERSION")))
            .with_instructions(INSTRUCTIONS)
    }

    async fn list_tools(
        &self,
        _request: Option<PaginatedRequestParams>,
        _context: RequestContext<RoleServer>,
    ) -> Result<ListToolsResult, ErrorData> {
        let listed = TOOLS.iter().map(|tool| {
            let annotations = ToolAnnotations::new()
                .read_only(tool.effect == Effect::Reads)
                .destructive(tool.effect == Effect::Acts)
                .open_world(tool.effect == Effect::Acts);
            Listed::new(tool.name, tool.about, Arc::new(tool.schema()))
                .with_title(tool.title)
                .with_annotations(annotations)
        });
        Ok(ListToolsResult::with_all_items(listed.collect()))
    }

    async fn call_tool(
        &self,
        request: CallToolRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<CallToolResponse, ErrorData> {
        let arguments = request.arguments.clone().unwrap_or_default();
        let needs = match self.tools.needs(&request.name, &arguments) {
            Ok(needs) => needs,
            Err(refusal) => return Ok(refused(&refusal).into()),
        };
        let granted = match self.ask(needs, &request, &context).await {
            Ok(granted) => granted,
            Err(response) => return Ok(response),
        };
        Ok(self.carry_out(request.name.to_string(), arguments, granted, &context).await.into())
    }
}
