use curfew_app::testing::{TestApp, TestTenant};
use curfew_app::users;
use curfew_domain::assignment::AssignmentKey;
use curfew_domain::grant::{GrantStatus, GrantTimes};
use curfew_domain::request::RequestStatus;
use curfew_domain::{
    AccessRequest, Action, AssignmentId, DoneBy, Grant, GrantId, PlatformMode, RequestId, Seconds, Timestamp,
    UserId,
};
use curfew_store::on_both_databases;
use serde_json::Map;

use crate::users::make_user;

const SET: &str = "arn:aws:sso:::permissionSet/ssoins-1234567890abcdef/ps-1234567890abcdef";
const ACCOUNT: &str = "123456789012";

fn request(test: &TestApp, requester: UserId, expires_at: Option<Timestamp>) -> AccessRequest {
    let now = test.app.now();
    AccessRequest {
        id: RequestId::new(now, test.app.entropy.as_ref()),
        requester,
        resource: format!("aws_account:{ACCOUNT}").parse().unwrap(),
        action: Action::Read,
        account: Some(ACCOUNT.parse().unwrap()),
        permission_set: SET.parse().unwrap(),
        principal: "p-1".parse().unwrap(),
        reason: None,
        decided_status: RequestStatus::Pending,
        decision_reasoning: None,
        decided_by: None,
        decided_at: None,
        mode: None,
        requirements: Vec::new(),
        approvals: Vec::new(),
        break_glass: false,
        requested_duration: None,
        duration: None,
        review: None,
        expires_at,
        grant: None,
        extends: None,
        policy: None,
        notices: Vec::new(),
        metadata: Map::new(),
        source_ip: None,
        created_at: now,
        updated_at: now,
    }
}

async fn keep_request(test: &TestApp, acme: &TestTenant, request: AccessRequest) -> RequestId {
    let unit = test.app.store.tenant(acme.tenant.id).write().await.unwrap();
    unit.insert_request(&request).await.unwrap();
    unit.commit().await.unwrap();
    request.id
}

/// A grant with its assignment, and nothing due of it.
async fn keep_grant(test: &TestApp, acme: &TestTenant, grantee: UserId) -> (GrantId, AssignmentId) {
    let (now, entropy) = (test.app.now(), test.app.entropy.as_ref());
    let grant = Grant {
        id: GrantId::new(now, entropy),
        request: None,
        grantee,
        resource: format!("aws_account:{ACCOUNT}").parse().unwrap(),
        action: Action::Read,
        account: Some(ACCOUNT.parse().unwrap()),
        permission_set: SET.parse().unwrap(),
        times: GrantTimes::decided(now, Seconds::of(3_600)),
        revoked_by: None,
        revoke_reason: None,
        failure: None,
        audit_enabled: true,
        metadata: Map::new(),
        created_at: now,
        updated_at: now,
    };
    let key = AssignmentKey {
        instance: "arn:aws:sso:::instance/ssoins-1234567890abcdef".parse().unwrap(),
        region: "eu-central-1".parse().unwrap(),
        identity_store: "d-1234567890".parse().unwrap(),
        account: ACCOUNT.parse().unwrap(),
        permission_set: SET.parse().unwrap(),
        principal: grantee.to_string().parse().unwrap(),
    };
    let unit = test.app.store.tenant(acme.tenant.id).write().await.unwrap();
    unit.insert_grant(&grant).await.unwrap();
    let assignment = unit.hold_assignment(AssignmentId::new(now, entropy), &key, now).await.unwrap().id;
    unit.link_grant(grant.id, assignment).await.unwrap();
    unit.commit().await.unwrap();
    (grant.id, assignment)
}

on_both_databases! {
    async fn a_suspended_users_pending_requests_are_cancelled_and_no_others(db: &TestStore) {
        let test = TestApp::new(&db.store);
        let acme = test.set_up(PlatformMode::Single).await;
        let dana = make_user(&test, &acme.caller, "dana@acme.example", &["user"]).await;
        let soon = Some(test.app.now() + Seconds::of(60));
        let expired = keep_request(&test, &acme, request(&test, dana.id, soon)).await;
        let pending = keep_request(&test, &acme, request(&test, dana.id, None)).await;
        let others = keep_request(&test, &acme, request(&test, acme.admin.id, None)).await;
        test.clock.advance(Seconds::of(60));
        users::suspend(&test.app, &acme.caller, dana.id).await.unwrap();
        let now = test.app.now();
        let unit = db.store.tenant(acme.tenant.id).read().await.unwrap();
        let cancelled = unit.request(pending).await.unwrap().unwrap();
        assert_eq!(cancelled.status(now), RequestStatus::Cancelled);
        assert_eq!(cancelled.decided_by, Some(DoneBy::Person(acme.admin.id)));
        assert_eq!(unit.request(expired).await.unwrap().unwrap().status(now), RequestStatus::Expired);
        assert_eq!(unit.request(others).await.unwrap().unwrap().status(now), RequestStatus::Pending);
    }

    async fn a_suspended_users_live_grants_are_revoked_and_due_at_once(db: &TestStore) {
        let test = TestApp::new(&db.store);
        let acme = test.set_up(PlatformMode::Single).await;
        let dana = make_user(&test, &acme.caller, "dana@acme.example", &["user"]).await;
        let (ended, _) = keep_grant(&test, &acme, dana.id).await;
        // Not started within a quarter of an hour, it never is.
        test.clock.advance(Seconds::of(900));
        let (live, assignment) = keep_grant(&test, &acme, dana.id).await;
        let (others, _) = keep_grant(&test, &acme, acme.admin.id).await;
        users::suspend(&test.app, &acme.caller, dana.id).await.unwrap();
        let now = test.app.now();
        let unit = db.store.tenant(acme.tenant.id).read().await.unwrap();
        let revoked = unit.grant(live, now).await.unwrap().unwrap().grant;
        assert_eq!(revoked.times.status(now), GrantStatus::Revoked);
        assert_eq!(revoked.revoked_by, Some(DoneBy::Person(acme.admin.id)));
        assert_eq!(unit.grant(ended, now).await.unwrap().unwrap().grant.times.status(now), GrantStatus::Expired);
        assert_eq!(unit.grant(others, now).await.unwrap().unwrap().grant.times.status(now), GrantStatus::Active);
        let due = db.store.due_for(&[acme.tenant.id], now, 10).await.unwrap();
        assert_eq!(due.iter().map(|due| due.assignment).collect::<Vec<_>>(), [assignment]);
    }
}
