//! What the commands print of the shipped schedules, and how they end.

use std::process::ExitCode;

use clap::Parser;
use schemas::Millis;
use serde_json::Value;

use super::{PolicyCommand, run, show, timeline};
use crate::policy_file::load;

#[derive(Parser)]
struct Cli {
    #[command(subcommand)]
    command: PolicyCommand,
}

fn jaego_policy(arguments: &[&str]) -> anyhow::Result<ExitCode> {
    let arguments = ["policy"].into_iter().chain(arguments.iter().copied());
    run(&Cli::try_parse_from(arguments)?.command)
}

fn shown(name: &str, at: &str) -> show::Shown {
    show::at(&load(name).unwrap(), Millis::parse(at).unwrap())
}

#[test]
fn check_ends_with_1_where_anything_is_wrong() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("a.json");
    let mut schedule = load("korea-2020").unwrap();
    let write = |schedule: &_| std::fs::write(&file, serde_json::to_vec(schedule).unwrap()).unwrap();
    write(&schedule);
    let path = file.to_str().unwrap();
    assert_eq!(jaego_policy(&["check", path]).unwrap(), ExitCode::SUCCESS);
    schedule.policies[0].quantity = 0;
    write(&schedule);
    assert_eq!(jaego_policy(&["check", path]).unwrap(), ExitCode::FAILURE);
    let told = format!("{:#}", jaego_policy(&["show", path]).unwrap_err());
    assert!(told.contains("1 fault\n") && told.contains("quantity is 0"), "{told}");
}

#[test]
fn a_moment_without_an_offset_is_told_what_to_write() {
    let told = format!("{:#}", jaego_policy(&["show", "korea-2020", "--at", "2020-03-09"]).unwrap_err());
    assert!(told.contains("2020-03-11T09:05:00+09:00"), "{told}");
}

#[test]
fn show_tells_the_rule_of_the_moment_in_words_and_data() {
    let text = shown("korea-2020", "2020-05-20T12:00:00+09:00").to_string();
    for line in [
        "at 2020-05-20T12:00:00.000+09:00 (Wed)",
        "  since     2020-05-18T00:00:00.000+09:00",
        "  until     2020-06-01T00:00:00.000+09:00",
        "  quantity  3 per week, in parts",
        "  today     3,8",
        "  proxies   on either person's day",
        "            for family",
        "  outlets   all",
    ] {
        assert!(text.lines().any(|told| told == line), "{line:?} is not in\n{text}");
    }
    assert!(text.contains("  한국어    1주 1인 3매") && text.contains("  English   3 per person"), "{text}");
}

#[test]
fn show_knows_before_after_and_holidays() {
    let before = shown("korea-2020", "2020-03-08T23:59:59.999+09:00").to_string();
    assert!(before.contains("rationed  not yet") && before.contains("until     2020-03-09T00"), "{before}");
    let after = shown("korea-2020", "2020-07-12T00:00:00+09:00").to_string();
    assert!(after.contains("rationed  no longer") && after.contains("no later policy"), "{after}");
    assert!(after.contains("The ration has ended") && !after.contains("quantity"), "{after}");
    let holiday = shown("korea-2020", "2020-05-05T12:00:00+09:00").to_string();
    assert!(holiday.contains("(Tue, Children's Day 어린이날)"), "{holiday}");
    assert!(holiday.contains("today     catch-up"), "{holiday}");
}

#[test]
fn show_as_json_is_local_to_the_schedule() {
    let json = serde_json::to_value(shown("taiwan-2020", "2020-02-09T15:59:59Z")).unwrap();
    assert_eq!(json["at"], "2020-02-09T23:59:59.000+08:00");
    assert_eq!((&json["weekday"], &json["date"]), (&Value::from("Sun"), &Value::from("2020-02-09")));
    assert_eq!(json["groups"][0]["today"], "any");
    assert_eq!(json["groups"][0]["until"], "2020-03-05T00:00:00.000+08:00");
    assert_eq!(json["groups"][0]["policy"]["quantity"], 2);
}

#[test]
fn the_timeline_has_a_line_for_each_rule_with_its_changes_alone() {
    let timeline = timeline::of(&load("korea-2020").unwrap());
    let json = serde_json::to_value(&timeline).unwrap();
    let changes: Vec<&Value> =
        json["rules"].as_array().unwrap().iter().map(|rule| &rule["changes"]).collect();
    assert_eq!(changes.len(), 7);
    assert_eq!(
        *changes[1],
        serde_json::json!([
            "proxies for born 2002 or later, in-patients, pregnant women, veterans",
            "no more proxies for born 2010 or later"
        ])
    );
    assert_eq!(*changes[2], serde_json::json!(["3 per week", "proxies come on either person's day"]));
    assert_eq!(*changes[3], serde_json::json!(["in parts", "proxies for family"]));
    assert_eq!(*changes[4], serde_json::json!(["5 for born 2002 or later", "any day"]));
    assert_eq!(*changes[5], serde_json::json!(["10 per week", "no bands"]));
    assert_eq!(*changes[6], serde_json::json!(["ration ends"]));
    let text = timeline.to_string();
    assert!(text.contains("2020-07-12T00:00:00.000+09:00  mask   ended        ration ends\n"), "{text}");
    assert!(text.contains("2020-05-05  catch-up  Children's Day 어린이날\n"), "{text}");
}
