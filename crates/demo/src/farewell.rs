//! The first words and the last.

use crate::TourError;
use crate::screen::{Screen, Tone};
use crate::stage::Stage;
use crate::tour::{PASSWORD, People};

/// Says what this is, and that no AWS is touched.
pub(crate) fn welcome(screen: &Screen, stage: &Stage) -> Result<(), TourError> {
    screen.line(&screen.toned(Tone::Heading, "\nCurfew: temporary AWS access that is taken back on time"))?;
    screen.line("")?;
    let announced = format!("This is a demo. Its AWS is a stand-in in this process, at {}.", stage.aws_url());
    screen.say_in(Tone::Warning, &announced)?;
    screen.say("Nothing leaves this machine, and nothing of it is left when it ends.")?;
    screen.say(&format!("Curfew itself answers at {}.", stage.url()))?;
    Ok(())
}

/// Says how to go on by hand while it stays up.
pub(crate) fn go_on(screen: &Screen, stage: &Stage, people: &People) -> Result<(), TourError> {
    let (url, aws) = (stage.url(), stage.aws_url());
    screen.chapter("Your turn")?;
    screen.say("Curfew and its stand-in stay up until you press Ctrl-C. For example:")?;
    screen.line(&format!(
        r#"
export CURFEW={url} TENANT={tenant}
export ALICE={alice}
export CAROL={carol}

# what Alice has, and what AWS holds
curl -s $CURFEW/v1/grants -H "Authorization: Bearer $ALICE" -H "X-Tenant-ID: $TENANT"
curl -s {aws}/_sim/assignments

# Carol, the admin, reads the audit log, and the metrics
curl -s $CURFEW/v1/audit-log -H "Authorization: Bearer $CAROL" -H "X-Tenant-ID: $TENANT"
curl -s $CURFEW/metrics

# the stand-in loses the reply to the next creation; ask for access again and watch it end on time all the same
curl -s {aws}/_sim/faults -H 'content-type: application/json' \
  -d '{{"operation": "CreateAccountAssignment", "kind": "lose_reply", "times": 1}}'
"#,
        tenant = people.tenant,
        alice = people.alice.token(),
        carol = people.admin.token(),
    ))?;
    screen
        .say(&format!("Everybody's password is \"{PASSWORD}\". The API describes itself at {url}/docs."))?;
    Ok(())
}
