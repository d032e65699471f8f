//! Somebody else's server: takes requests, and answers as a test wants, well or badly.

use std::collections::BTreeMap;
use std::sync::Arc;

use parking_lot::Mutex;
use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// What it answers.
#[derive(Debug, Clone)]
pub(crate) enum Answer {
    Status(u16),
    /// Elsewhere.
    Redirect(String),
    /// Nothing, for as long as the other waits.
    Nothing,
    /// 200, and a body without an end.
    Endless,
    /// A head without an end.
    EndlessHead,
    /// What is no HTTP.
    Garbage,
    /// It hangs up.
    HangUp,
}

/// A request as it came.
#[derive(Debug, Clone)]
pub(crate) struct Received {
    pub(crate) path: String,
    pub(crate) headers: BTreeMap<String, String>,
    pub(crate) body: String,
}

impl Received {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap()
    }
}

/// It, on a port of its own.
#[derive(Clone)]
pub(crate) struct Receiver {
    pub(crate) port: u16,
    answer: Arc<Mutex<Answer>>,
    received: Arc<Mutex<Vec<Received>>>,
}

impl Receiver {
    pub(crate) async fn start(answer: Answer) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let this = Self { port, answer: Arc::new(Mutex::new(answer)), received: Arc::default() };
        let server = this.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let server = server.clone();
                tokio::spawn(async move { server.serve(stream).await });
            }
        });
        this
    }

    pub(crate) fn url(&self) -> String {
        format!("http://127.0.0.1:{}/hook", self.port)
    }

    pub(crate) fn answers(&self, answer: Answer) {
        *self.answer.lock() = answer;
    }

    pub(crate) fn received(&self) -> Vec<Received> {
        self.received.lock().clone()
    }

    /// Until the other has gone away, or all is said.
    async fn serve(&self, mut stream: TcpStream) -> Option<()> {
        let received = read(&mut stream).await?;
        self.received.lock().push(received);
        let answer = self.answer.lock().clone();
        let say = async |stream: &mut TcpStream, text: &str| stream.write_all(text.as_bytes()).await.ok();
        match answer {
            Answer::Status(status) => {
                let body = "a body that nobody else sees";
                let head = format!("HTTP/1.1 {status} X\r\ncontent-length: {}\r\n\r\n{body}", body.len());
                say(&mut stream, &head).await
            }
            Answer::Redirect(to) => {
                say(&mut stream, &format!("HTTP/1.1 307 X\r\nlocation: {to}\r\ncontent-length: 0\r\n\r\n"))
                    .await
            }
            Answer::Nothing => stream.read(&mut [0; 1]).await.ok().map(drop),
            Answer::Endless => {
                say(&mut stream, "HTTP/1.1 200 OK\r\n\r\n").await?;
                loop {
                    say(&mut stream, &"x".repeat(4_096)).await?;
                }
            }
            Answer::EndlessHead => {
                say(&mut stream, "HTTP/1.1 200 OK\r\n").await?;
                loop {
                    say(&mut stream, &format!("x-more: {}\r\n", "x".repeat(4_096))).await?;
                }
            }
            Answer::Garbage => say(&mut stream, "\u{1}\u{2}\u{3} what do you want?\r\n\r\n").await,
            Answer::HangUp => None,
        }
    }
}

async fn read(stream: &mut TcpStream) -> Option<Received> {
    let mut bytes = Vec::new();
    loop {
        let text = String::from_utf8_lossy(&bytes).into_owned();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let mut lines = head.lines();
            let path = lines.next()?.split(' ').nth(1)?.to_owned();
            let headers: BTreeMap<String, String> = lines
                .filter_map(|line| line.split_once(": "))
                .map(|(name, value)| (name.to_lowercase(), value.to_owned()))
                .collect();
            let length: usize = headers.get("content-length").map_or(0, |length| length.parse().unwrap());
            if body.len() >= length {
                return Some(Received { path, body: body.to_owned(), headers });
            }
        }
        let mut more = [0; 8_192];
        match stream.read(&mut more).await.ok()? {
            0 => return None,
            count => bytes.extend(&more[..count]),
        }
    }
}
