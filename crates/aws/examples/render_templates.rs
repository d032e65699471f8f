//! Writes the bootstrap templates, in each form that they take, for tools that judge them:
//! `render_templates DIRECTORY` makes `<form>/role.yaml` and `<form>/role.tf`.

use std::error::Error;
use std::path::Path;

use curfew_aws::TrustedPrincipal;
use curfew_aws::bootstrap::Bootstrap;
use curfew_domain::{AccountId, ExternalId, InstanceArn, Region};

fn main() -> Result<(), Box<dyn Error>> {
    let directory = std::env::args().nth(1).ok_or("usage: render_templates DIRECTORY")?;
    let user = TrustedPrincipal::Exactly("arn:aws:iam::210987654321:user/curfew".to_owned());
    let role = |partition: &str| -> Result<_, Box<dyn Error>> {
        let (account, name) = ("210987654321".parse()?, "Curfew".to_owned());
        Ok(TrustedPrincipal::Role { account, partition: partition.to_owned(), name })
    };
    let one: Vec<ExternalId> = vec!["0192f0c1-7a3b-7c4d-8e5f-0123456789ab".parse()?];
    let two = [one.clone(), vec!["0192f0c1-7a3b-7c4d-8e5f-ba9876543210".parse()?]].concat();
    write(&directory, "user", "aws", "eu-central-1", &one, &user)?;
    write(&directory, "role", "aws", "us-east-1", &one, &role("aws")?)?;
    write(&directory, "rotating", "aws", "us-east-1", &two, &role("aws")?)?;
    write(&directory, "china", "aws-cn", "cn-north-1", &two, &role("aws-cn")?)
}

fn write(
    directory: &str,
    form: &str,
    partition: &str,
    region: &str,
    external_ids: &[ExternalId],
    principal: &TrustedPrincipal,
) -> Result<(), Box<dyn Error>> {
    let account: AccountId = "123456789012".parse()?;
    let instance: InstanceArn = format!("arn:{partition}:sso:::instance/ssoins-1234567890abcdef").parse()?;
    let region: Region = region.parse()?;
    let templates =
        Bootstrap { account: &account, instance: &instance, region: &region, external_ids, principal }
            .render();
    let directory = Path::new(directory).join(form);
    std::fs::create_dir_all(&directory)?;
    std::fs::write(directory.join("role.yaml"), templates.cloudformation_yaml)?;
    std::fs::write(directory.join("role.tf"), templates.terraform_hcl)?;
    Ok(())
}
