//! A hotfix is easy to take back.

use super::atomic::is_lock;
use super::{Asks, Judges, OwnLevel, Rule, known, own_commits};
use crate::ci::Event;
use crate::facts::{Facts, Source};
use crate::git::changes::FileChange;
use crate::verdict::{Level, Outcome, Step};

/// A lock file of which more lines change is changed as a whole: one package moved by one version
/// changes far less.
const LOCK_LINES: u64 = 200;

pub(super) const RULE: Rule = Rule {
    id: "revertible",
    level: OwnLevel::Is(Level::May),
    judges: Judges::Hotfix,
    events: &[Event::PullRequest, Event::Push, Event::Custom],
    asks: &[Asks::History],
    promise: "No schema migration, no lock file rewritten as a whole, and `git revert` applies.",
    why: "A02e: a good hotfix is easy to revert",
    notes: "Migrations are known by where the common tools keep them: Rails, Django, Alembic, Flyway, \
            Liquibase, Prisma, Sequelize, Knex, TypeORM, Entity Framework, golang-migrate, Diesel, sqlx, \
            Ecto, Laravel, Doctrine. A lock file counts as rewritten when more than 200 of its lines \
            change.",
    evaluate,
};

fn evaluate(facts: &Facts<'_>) -> Outcome {
    judge(facts).unwrap_or_else(|outcome| outcome)
}

pub(super) fn judge(facts: &Facts<'_>) -> Result<Outcome, Outcome> {
    own_commits(facts)?;
    let history = known(&facts.history)?;
    let files = known(&history.files)?;
    let violation = |found: String, next: &str| Outcome::Violation {
        found,
        expected: "a change that `git revert` and a promotion take back".to_owned(),
        next: vec![Step::Say(next.to_owned())],
    };
    if let Some(file) = files.iter().find(|file| is_migration(&file.path)) {
        return Ok(violation(
            format!("a migration of the database, `{}`", facts.words(&file.path)),
            "say how the schema goes back, or leave the migration to a normal release",
        ));
    }
    let lines = |file: &FileChange| u64::from(file.added) + u64::from(file.removed);
    if let Some(file) = files
        .iter()
        .find(|file| is_lock(&file.path) && (lines(file) > LOCK_LINES || file.binary))
    {
        return Ok(violation(
            format!(
                "`{}` rewritten, {} lines",
                facts.words(&file.path),
                lines(file)
            ),
            "move only the packages that the fix needs",
        ));
    }
    match &history.revertible {
        Source::Known(true) => Ok(Outcome::Pass {
            because: "no migration, and it can be reverted".to_owned(),
            note: None,
        }),
        Source::Known(false) => Ok(violation(
            "a change whose `git revert` conflicts".to_owned(),
            "make the fix one commit, or one whose parts do not change the same lines",
        )),
        other => known(other).map(|_| Outcome::NotApplicable {
            because: String::new(),
        }),
    }
}

/// Whether a path is where a common tool keeps its migrations.
fn is_migration(path: &str) -> bool {
    let lower = path.to_ascii_lowercase();
    let mut dirs: Vec<&str> = lower.split('/').collect();
    let name = dirs.pop().unwrap_or_default();
    let below = |dir: &str| dirs.contains(&dir);
    let after = |first: &str, second: &str| {
        dirs.windows(2)
            .any(|pair| pair[0] == first && pair[1] == second)
    };
    let ends = |ends: &[&str]| ends.iter().any(|end| name.ends_with(end));
    let code = ends(&[
        ".sql", ".rb", ".py", ".js", ".ts", ".cjs", ".mjs", ".cs", ".php", ".exs", ".xml", ".yaml",
        ".yml", ".json", ".go", ".java", ".kt",
    ]);
    let numbered = name.starts_with(|c: char| c.is_ascii_digit());
    // Flyway: `V2__name.sql`, `U2__name.sql`, `R__name.sql`.
    let flyway = ends(&[".sql", ".java", ".kt"])
        && name.split_once("__").is_some_and(|(version, _)| {
            let digits = version.strip_prefix(['v', 'u']);
            version == "r"
                || digits.is_some_and(|digits| {
                    !digits.is_empty()
                        && digits
                            .bytes()
                            .all(|b| b.is_ascii_digit() || matches!(b, b'.' | b'_'))
                })
        });
    let liquibase = (below("changelog") || name.contains("changelog"))
        && (below("db") || below("liquibase") || below("resources"))
        && ends(&[".sql", ".xml", ".yaml", ".yml", ".json"]);
    code && (after("db", "migrate")
        || after("alembic", "versions")
        || after("priv", "repo") && below("migrations")
        || below("migrations") && name != "__init__.py" && !ends(&[".json"])
        || below("migration") && (numbered || ends(&[".sql"]))
        || below("migrate") && numbered
        || flyway
        || liquibase
        || ends(&[".up.sql", ".down.sql"]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn migrations_where_the_common_tools_keep_them() {
        for path in [
            "db/migrate/20240101_add_users.rb",
            "app/users/migrations/0002_email.py",
            "alembic/versions/ae10_x.py",
            "src/main/resources/db/migration/V1_2__add.sql",
            "sql/R__views.sql",
            "src/main/resources/db/changelog/db.changelog-1.2.xml",
            "prisma/migrations/20240101_init/migration.sql",
            "migrations/20240101-add.js",
            "src/Data/Migrations/20240101_Add.cs",
            "db/000002_add.up.sql",
            "migrations/2024-01-01-000000_users/up.sql",
            "priv/repo/migrations/20240101_add.exs",
            "database/migrations/2024_01_01_add.php",
        ] {
            assert!(is_migration(path), "{path}");
        }
        for path in [
            "src/main.rs",
            "docs/migrations.md",
            "app/users/migrations/__init__.py",
            "CHANGELOG.md",
            "src/value__of.sql",
            "queries/find.sql",
            "birds/migration.rs",
        ] {
            assert!(!is_migration(path), "{path}");
        }
    }
}
