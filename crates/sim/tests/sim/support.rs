//! A caller that signs its requests by hand, and the demo world's names.

use base64::{Engine, engine::general_purpose::URL_SAFE};
use curfew_sim::{
    Assignment, Behaviour, PrincipalType, Sim, SimControl, SimHandle, World,
    world::{
        ACME_DELEGATED_ROLE, ACME_EXTERNAL_ID, ACME_MANAGEMENT_ROLE, CURFEW_ACCESS_KEY, CURFEW_SECRET_KEY,
    },
};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};

pub(crate) const MANAGEMENT: &str = "100000000001";
pub(crate) const SECURITY: &str = "100000000002";
pub(crate) const PROD: &str = "100000000003";
pub(crate) const WEB: &str = "100000000004";
pub(crate) const DEV: &str = "100000000005";
pub(crate) const SUSPENDED: &str = "100000000006";

/// A stand-in with the demo's world in which changes end at once, and its time stands still.
pub(crate) async fn still() -> SimHandle {
    let behaviour = Behaviour { assignment_ms: 1_000, ..Behaviour::default() };
    let sim = Sim::start(World::demo().with_behaviour(behaviour)).await.unwrap();
    sim.control().freeze_clock(None);
    sim
}

/// Lets all that is in progress end.
pub(crate) fn let_changes_end(control: &SimControl) {
    control.advance(SignedDuration::from_secs(1));
}

/// Acme, as the demo's world has it.
pub(crate) struct Acme {
    pub(crate) instance: String,
    pub(crate) store: String,
    pub(crate) read_only: String,
    pub(crate) power_user: String,
    pub(crate) org_admin: String,
    pub(crate) alice: String,
    pub(crate) bob: String,
    pub(crate) engineering: String,
}

impl Acme {
    pub(crate) fn of(control: &SimControl) -> Self {
        let world = control.world();
        let instance = &world.organizations[0].instances[0];
        let set = |name: &str| instance.permission_set_named(name).unwrap().arn.clone();
        Self {
            instance: instance.arn.clone(),
            store: instance.identity_store_id.clone(),
            read_only: set("ReadOnly"),
            power_user: set("PowerUser"),
            org_admin: set("OrgAdmin"),
            alice: instance.user_by_email("alice@acme.example").unwrap().id.clone(),
            bob: instance.user_by_email("bob@acme.example").unwrap().id.clone(),
            engineering: instance.groups[0].id.clone(),
        }
    }

    /// The parameters of a creation or deletion.
    pub(crate) fn change(&self, account: &str, set: &str, user: &str) -> Value {
        json!({
            "InstanceArn": self.instance,
            "TargetId": account,
            "TargetType": "AWS_ACCOUNT",
            "PermissionSetArn": set,
            "PrincipalType": "USER",
            "PrincipalId": user,
        })
    }

    pub(crate) fn listing(&self, account: &str, set: &str) -> Value {
        json!({ "InstanceArn": self.instance, "AccountId": account, "PermissionSetArn": set })
    }
}

/// A user's assignment.
pub(crate) fn assignment(account: &str, set: &str, user: &str) -> Assignment {
    Assignment {
        account: account.to_owned(),
        permission_set: set.to_owned(),
        principal_type: PrincipalType::User,
        principal_id: user.to_owned(),
    }
}

/// Somebody who calls AWS.
#[derive(Clone)]
pub(crate) struct Caller {
    client: reqwest::Client,
    url: String,
    access_key: String,
    secret: String,
    token: Option<String>,
    pub(crate) region: String,
    /// How far this caller's clock is off.
    pub(crate) clock_off: SignedDuration,
}

/// What AWS said.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) text: String,
    pub(crate) headers: reqwest::header::HeaderMap,
}

impl Caller {
    /// Curfew itself, in eu-west-1.
    pub(crate) fn curfew(sim: &SimHandle) -> Self {
        Self::with_key(sim, CURFEW_ACCESS_KEY, CURFEW_SECRET_KEY)
    }

    pub(crate) fn with_key(sim: &SimHandle, access_key: &str, secret: &str) -> Self {
        Self {
            client: reqwest::Client::new(),
            url: sim.url(),
            access_key: access_key.to_owned(),
            secret: secret.to_owned(),
            token: None,
            region: "eu-west-1".to_owned(),
            clock_off: SignedDuration::ZERO,
        }
    }

    /// Curfew in Acme's delegated administrator account.
    pub(crate) async fn delegated(sim: &SimHandle) -> Self {
        Self::curfew(sim).assuming(ACME_DELEGATED_ROLE, ACME_EXTERNAL_ID).await
    }

    /// Curfew in Acme's management account.
    pub(crate) async fn management(sim: &SimHandle) -> Self {
        Self::curfew(sim).assuming(ACME_MANAGEMENT_ROLE, ACME_EXTERNAL_ID).await
    }

    pub(crate) async fn assuming(&self, role: &str, external_id: &str) -> Self {
        let reply = self
            .sts("AssumeRole", &[("RoleArn", role), ("RoleSessionName", "test"), ("ExternalId", external_id)])
            .await;
        assert_eq!(reply.status, 200, "{}", reply.text);
        self.with_session(&reply)
    }

    /// The same caller with the credentials that an `AssumeRole` gave.
    pub(crate) fn with_session(&self, reply: &Reply) -> Self {
        Self {
            access_key: reply.tag("AccessKeyId"),
            secret: reply.tag("SecretAccessKey"),
            token: Some(reply.tag("SessionToken")),
            ..self.clone()
        }
    }

    pub(crate) fn in_region(&self, region: &str) -> Self {
        Self { region: region.to_owned(), ..self.clone() }
    }

    pub(crate) fn with_clock_off(&self, by: SignedDuration) -> Self {
        Self { clock_off: by, ..self.clone() }
    }

    pub(crate) async fn sts(&self, action: &str, parameters: &[(&str, &str)]) -> Reply {
        self.try_sts(action, parameters).await.unwrap()
    }

    pub(crate) async fn try_sts(&self, action: &str, parameters: &[(&str, &str)]) -> reqwest::Result<Reply> {
        let mut form = format!("Action={action}&Version=2011-06-15");
        for (name, value) in parameters {
            form.extend(["&", name, "=", &escaped(value)]);
        }
        self.send("sts", None, form).await
    }

    pub(crate) async fn sso(&self, operation: &str, parameters: &Value) -> Reply {
        self.try_sso(operation, parameters).await.unwrap()
    }

    pub(crate) async fn try_sso(&self, operation: &str, parameters: &Value) -> reqwest::Result<Reply> {
        let target = format!("SWBExternalService.{operation}");
        self.send("sso", Some(target), parameters.to_string()).await
    }

    pub(crate) async fn store(&self, operation: &str, parameters: &Value) -> Reply {
        let target = format!("AWSIdentityStore.{operation}");
        self.send("identitystore", Some(target), parameters.to_string()).await.unwrap()
    }

    pub(crate) async fn organizations(&self, operation: &str, parameters: &Value) -> Reply {
        let target = format!("AWSOrganizationsV20161128.{operation}");
        self.send("organizations", Some(target), parameters.to_string()).await.unwrap()
    }

    pub(crate) async fn kms(&self, operation: &str, parameters: &Value) -> Reply {
        let target = format!("TrentService.{operation}");
        self.send("kms", Some(target), parameters.to_string()).await.unwrap()
    }

    /// All items of a list, page after page, and the number of pages.
    pub(crate) async fn all_pages(
        &self,
        operation: &str,
        parameters: &Value,
        member: &str,
    ) -> (Vec<Value>, usize) {
        let (mut items, mut pages, mut parameters) = (Vec::new(), 0, parameters.clone());
        loop {
            let reply = match operation {
                "ListUsers" | "ListGroups" | "ListGroupMemberships" => {
                    self.store(operation, &parameters).await
                }
                "ListAccounts" | "ListAccountsForParent" | "ListPolicies" => {
                    self.organizations(operation, &parameters).await
                }
                _ => self.sso(operation, &parameters).await,
            };
            assert_eq!(reply.status, 200, "{}", reply.text);
            let answer = reply.json();
            items.extend(answer[member].as_array().unwrap().iter().cloned());
            pages += 1;
            match answer.get("NextToken") {
                Some(token) => parameters["NextToken"] = token.clone(),
                None => return (items, pages),
            }
        }
    }

    /// Signs for one service and sends.
    pub(crate) async fn send(
        &self,
        service: &str,
        target: Option<String>,
        body: String,
    ) -> reqwest::Result<Reply> {
        let at = now() + self.clock_off;
        let date = at.strftime("%Y%m%dT%H%M%SZ").to_string();
        let host = self.url.trim_start_matches("http://").to_owned();
        let mut headers = vec![("host", host), ("x-amz-date", date.clone())];
        headers.extend(self.token.clone().map(|token| ("x-amz-security-token", token)));
        headers.extend(target.map(|target| ("x-amz-target", target)));
        let authorization = self.authorization(service, &date, &headers, &body);
        let mut request = self.client.post(&self.url).header("authorization", authorization);
        for (name, value) in headers.into_iter().filter(|(name, _)| *name != "host") {
            request = request.header(name, value);
        }
        let response = request.body(body).send().await?;
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        Ok(Reply { status, headers, text: response.text().await? })
    }

    fn authorization(&self, service: &str, date: &str, headers: &[(&str, String)], body: &str) -> String {
        let names: Vec<&str> = headers.iter().map(|(name, _)| *name).collect();
        let signed = names.join(";");
        let lines =
            headers.iter().map(|(name, value)| format!("{name}:{value}\n")).collect::<Vec<_>>().concat();
        let canonical = format!("POST\n/\n\n{lines}\n{signed}\n{}", hex(&Sha256::digest(body.as_bytes())));
        let (day, region) = (&date[..8], &self.region);
        let scope = format!("{day}/{region}/{service}/aws4_request");
        let to_sign = format!("AWS4-HMAC-SHA256\n{date}\n{scope}\n{}", hex(&Sha256::digest(canonical)));
        let mut key = hmac(format!("AWS4{}", self.secret).as_bytes(), day);
        for step in [region.as_str(), service, "aws4_request"] {
            key = hmac(&key, step);
        }
        let signature = hex(&hmac(&key, &to_sign));
        let credential = format!("{}/{scope}", self.access_key);
        format!("AWS4-HMAC-SHA256 Credential={credential}, SignedHeaders={signed}, Signature={signature}")
    }
}

impl Reply {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|error| panic!("{error}: {}", self.text))
    }

    /// The answer of a call that must have succeeded.
    pub(crate) fn ok(&self) -> Map<String, Value> {
        assert_eq!(self.status, 200, "{}", self.text);
        self.json().as_object().unwrap().clone()
    }

    /// The text of an XML element.
    pub(crate) fn tag(&self, name: &str) -> String {
        let (open, close) = (format!("<{name}>"), format!("</{name}>"));
        let from = self.text.find(&open).unwrap_or_else(|| panic!("no {name} in {}", self.text)) + open.len();
        let to = self.text[from..].find(&close).unwrap() + from;
        self.text[from..to].to_owned()
    }

    /// Status and error code.
    pub(crate) fn refusal(&self) -> (u16, String) {
        let code = if self.text.starts_with('<') {
            self.tag("Code")
        } else {
            let code = self.json()["__type"].as_str().unwrap_or_default().to_owned();
            let header = self.headers.get("x-amzn-errortype").map(|value| value.to_str().unwrap());
            assert_eq!(header, Some(code.as_str()));
            code
        };
        (self.status, code)
    }

    pub(crate) fn message(&self) -> String {
        let body = self.json();
        body.get("Message").or_else(|| body.get("message")).unwrap().as_str().unwrap().to_owned()
    }
}

/// A token of nothing.
pub(crate) fn made_up_token() -> String {
    URL_SAFE.encode("made up")
}

#[expect(clippy::disallowed_methods, reason = "requests are signed with the machine's time")]
fn now() -> Timestamp {
    Timestamp::now()
}

fn escaped(text: &str) -> String {
    percent_encoding::utf8_percent_encode(text, percent_encoding::NON_ALPHANUMERIC).to_string()
}

fn hmac(key: &[u8], message: &str) -> Vec<u8> {
    let mut block = [0_u8; 64];
    block[..key.len()].copy_from_slice(key);
    let (inner, outer) = (block.map(|byte| byte ^ 0x36), block.map(|byte| byte ^ 0x5c));
    let first = Sha256::digest([&inner[..], message.as_bytes()].concat());
    Sha256::digest([&outer[..], &first[..]].concat()).to_vec()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().concat()
}
