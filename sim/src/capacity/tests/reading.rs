//! What is no report, or says too little, has a name and a next step.

use std::path::PathBuf;

use serde_json::{Value, json};

use super::synthetic::{self, Day};
use super::{asked, state};
use crate::capacity::{Asked, Unfit};

/// Documents as files of a folder that goes with the value.
struct Files(tempfile::TempDir);

impl Files {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn write(&self, name: &str, text: &impl ToString) -> PathBuf {
        let path = self.0.path().join(name);
        std::fs::write(&path, text.to_string()).unwrap();
        path
    }

    /// What is said of one document.
    fn refused(&self, document: &Value) -> Unfit {
        state(&asked(vec![self.write("one.json", document)])).unwrap_err()
    }
}

fn good(seed: u64) -> Value {
    synthetic::json(&Day::of_bursts(seed).report())
}

fn with(change: impl FnOnce(&mut Value)) -> Value {
    let mut document = good(1);
    change(&mut document);
    document
}

#[test]
fn what_is_no_report_is_told_with_the_next_step() {
    let files = Files::new();
    let missing = state(&asked(vec![files.0.path().join("none.json")])).unwrap_err();
    assert!(matches!(missing, Unfit::Unreadable { .. }), "{missing}");
    let text = state(&asked(vec![files.write("text", &"no JSON")])).unwrap_err();
    assert!(matches!(text, Unfit::NoReport { .. }), "{text}");
    let other = files.refused(&json!({"version": 1}));
    assert!(matches!(other, Unfit::NoReport { .. }), "{other}");
    let half = files.refused(&with(|document| document["samples"] = json!("none")));
    assert!(matches!(&half, Unfit::NoReport { why, .. } if why.contains("expected a sequence")), "{half}");
    let old = files.refused(&with(|document| document["format"] = Value::Null));
    assert!(matches!(old, Unfit::NoSeries { .. }), "{old}");
    let others = files.refused(&with(|document| document["parts"] = json!([])));
    assert!(matches!(others, Unfit::NoParts { .. }), "{others}");
    let short = files.refused(&with(|document| document["seconds"] = json!(12)));
    assert!(matches!(short, Unfit::TooShort { unknowns: 5, needed: 15, .. }), "{short}");
    for error in [missing, text, other, half, old, others, short] {
        assert!(error.to_string().contains("next step:"), "{error}");
    }
}

#[test]
fn reports_that_do_not_belong_together_are_refused() {
    let files = Files::new();
    let first = files.write("first.json", &good(1));
    let again = files.write("again.json", &good(1));
    let twice = state(&asked(vec![first.clone(), again])).unwrap_err();
    assert!(matches!(twice, Unfit::Twice { .. }), "{twice}");
    let mut larger = good(2);
    larger["cpus"] = json!(8);
    let other = |name: &str, other: &Value| {
        let error = state(&asked(vec![first.clone(), files.write(name, other)])).unwrap_err();
        assert!(matches!(error, Unfit::AnotherStage { .. }), "{error}");
        error.to_string()
    };
    let words = other("larger.json", &larger);
    assert!(words.contains("8 CPUs"), "{words}");
    // As many CPUs of another model, and of one that an earlier report does not tell.
    let mut model = good(2);
    model["machine"]["cpu"] = json!("B2");
    let words = other("model.json", &model);
    assert!(words.contains("2 CPUs (B2)") && words.contains("2 CPUs (A1)"), "{words}");
    let mut before = good(2);
    before.as_object_mut().unwrap().remove("machine");
    let words = other("before.json", &before);
    assert!(words.contains("does not tell"), "{words}");
    let mut alike = good(3);
    alike.as_object_mut().unwrap().remove("machine");
    let both = [files.write("before.json", &before), files.write("alike.json", &alike)];
    assert!(state(&asked(both.to_vec())).is_ok(), "earlier reports belong together as they did");
    // A newer kernel or more memory is no other stage.
    let mut memory = good(2);
    memory["machine"]["memory_mib"] = json!(64_000);
    assert!(state(&asked(vec![first.clone(), files.write("memory.json", &memory)])).is_ok());
}

#[test]
fn a_void_report_is_refused_or_marked() {
    let files = Files::new();
    let void = with(|document| {
        document["verdict"] = json!("void");
        document["void"] = json!(["the generator itself was late"]);
    });
    let refused = files.refused(&void);
    let words = refused.to_string();
    assert!(
        matches!(refused, Unfit::Void { .. }) && words.contains("the generator itself was late"),
        "{words}"
    );
    let path = files.write("void.json", &void);
    let said = state(&Asked { take_void: true, ..asked(vec![path]) }).unwrap();
    assert!(said.markdown().contains("VOID REPORTS WERE TAKEN") && said.markdown().contains("was late"));
    // A broken rule breaks a void run too, and makes it no less void.
    let broken = with(|document| {
        document["verdict"] = json!("broken");
        document["void"] = json!(["the machine stood still"]);
    });
    assert!(matches!(files.refused(&broken), Unfit::Void { .. }));
    let path = files.write("broken.json", &broken);
    let said = state(&Asked { take_void: true, ..asked(vec![path]) }).unwrap();
    assert!(said.markdown().contains("VOID REPORTS WERE TAKEN") && said.markdown().contains("stood still"));
    let sound = state(&asked(vec![files.write("sound.json", &good(1))])).unwrap();
    assert!(!sound.markdown().contains("VOID"));
}

#[test]
fn a_short_form_is_refused_or_marked() {
    let files = Files::new();
    let short = with(|document| document["short"] = json!(true));
    let refused = files.refused(&short);
    let words = refused.to_string();
    assert!(matches!(refused, Unfit::Short { .. }) && words.contains("without --short"), "{words}");
    let path = files.write("short.json", &short);
    let said = state(&Asked { take_void: true, ..asked(vec![path]) }).unwrap();
    assert!(said.markdown().contains("VOID REPORTS WERE TAKEN") && said.markdown().contains("short form"));
}

#[test]
fn a_report_of_refusals_is_refused_or_marked() {
    let files = Files::new();
    let of = |share: f64| {
        with(|document| {
            let series = &mut document["classes"][0]["series"];
            let good: f64 = series["good"].as_array().unwrap().iter().map(|n| n.as_f64().unwrap()).sum();
            series["turned_away"] = json!([good * share / (1.0 - share)]);
        })
    };
    let refused = files.refused(&of(0.5));
    assert!(matches!(refused, Unfit::Refused { percent, .. } if percent > 49.0), "{refused}");
    let path = files.write("refusals.json", &of(0.5));
    let said = state(&Asked { take_void: true, ..asked(vec![path]) }).unwrap();
    assert!(said.markdown().contains("VOID REPORTS WERE TAKEN") && said.markdown().contains("turned away"));
    assert!(state(&asked(vec![files.write("few.json", &of(0.01))])).is_ok());
}
