//! `book-tools`: as mdBook's preprocessor, and for recording console sessions.

use book_tools::{Audience, book::Library, capture, console, lint, reference};
use clap::{Parser, Subcommand};
use mdbook_preprocessor::book::{Book, BookItem};
use std::{
    io::{self, Read, Write},
    path::PathBuf,
    process::ExitCode,
};

/// The book's preprocessor. Without a command it reads a book from mdBook and gives it back
#[derive(Parser)]
struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Subcommand)]
enum Command {
    /// Answer mdBook whether a renderer is supported: all are
    Supports {
        /// The renderer
        renderer: String,
    },
    /// Write the chapters with their snippets, ready for a compiler, to a folder
    Expand {
        /// The folder
        to: PathBuf,
    },
    /// Run the commands of the session files and record what they print
    Capture {
        /// Session files. Default: all of the book
        files: Vec<PathBuf>,
        /// Only the section of this name; may be given again
        #[arg(long, value_name = "NAME")]
        section: Vec<String>,
        /// Record nothing, and fail where the output differs from the recorded one
        #[arg(long)]
        check: bool,
    },
    /// Read the prose: links, functions that it speaks of, terms, times
    Lint,
    /// Write the generated parts of the reference pages
    Reference {
        /// Write nothing, and fail where a page is out of date
        #[arg(long)]
        check: bool,
    },
}

fn main() -> ExitCode {
    let done = match Cli::parse().command {
        None => preprocess(),
        Some(Command::Supports { .. }) => Ok(()),
        Some(Command::Expand { to }) => expand(&to),
        Some(Command::Capture { files, section, check }) => sessions(files, &section, check),
        Some(Command::Lint) => root().and_then(|root| lint::run(&root)),
        Some(Command::Reference { check }) => root().and_then(|root| reference::run(&root, check)),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn preprocess() -> Result<(), String> {
    let mut input = String::new();
    io::stdin().read_to_string(&mut input).map_err(|error| error.to_string())?;
    let (context, mut book) = mdbook_preprocessor::parse_input(input.as_bytes())
        .map_err(|error| format!("mdBook's input: {error}"))?;
    // `mdbook test` compiles what it gets; everything else is for a reader.
    let audience = if context.renderer == "test" { Audience::Compiler } else { Audience::Reader };
    let repository = context.config.get::<String>("output.html.git-repository-url").ok().flatten();
    let mut library = Library::read(&context.root, audience, repository)?;
    chapters(&mut book, |path, content| library.expand(path, content))?;
    library.all_used()?;
    let out = serde_json::to_string(&book).map_err(|error| error.to_string())?;
    io::stdout().write_all(out.as_bytes()).map_err(|error| error.to_string())
}

/// Changes each chapter's text; all mistakes are told, not only the first.
fn chapters(
    book: &mut Book,
    mut change: impl FnMut(&str, &str) -> Result<String, String>,
) -> Result<(), String> {
    let mut mistakes = Vec::new();
    book.for_each_mut(|item| {
        let BookItem::Chapter(chapter) = item else { return };
        let Some(path) = &chapter.source_path else { return };
        match change(&format!("book/{}", path.display()), &chapter.content) {
            Ok(content) => chapter.content = content,
            Err(mistake) => mistakes.push(mistake),
        }
    });
    if mistakes.is_empty() { Ok(()) } else { Err(mistakes.join("\n")) }
}

fn expand(to: &std::path::Path) -> Result<(), String> {
    book_tools::expand_to(&root()?, to).map(drop)
}

fn sessions(files: Vec<PathBuf>, only: &[String], check: bool) -> Result<(), String> {
    let root = root()?;
    let files = if files.is_empty() {
        console::files(&root.join("book")).map_err(|error| error.to_string())?
    } else {
        files
    };
    // Each file has a shell and namespaces of its own, and most of its time goes by with waiting.
    let different = std::thread::scope(|scope| {
        let running: Vec<_> =
            files.iter().map(|file| scope.spawn(|| capture::file(&root, file, only, check))).collect();
        let ended =
            running.into_iter().map(|file| file.join().map_err(|_| "a session panicked".to_owned())?);
        ended.collect::<Result<Vec<_>, String>>().map(|all| all.concat())
    })?;
    if different.is_empty() { Ok(()) } else { Err(different.join("\n\n")) }
}

/// The clone that cargo runs this in; by itself, the one that it was built in. Clones can share a target directory.
fn root() -> Result<PathBuf, String> {
    let package = std::env::var_os("CARGO_MANIFEST_DIR").unwrap_or_else(|| env!("CARGO_MANIFEST_DIR").into());
    PathBuf::from(package).join("../..").canonicalize().map_err(|error| error.to_string())
}
