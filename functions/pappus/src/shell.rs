//! Lines that a user may paste into a shell.

use std::path::Path;

/// This program, as it was called.
pub(crate) fn program() -> String {
    std::env::args_os().next().map_or_else(|| "pappus".into(), |called| quoted(&called.to_string_lossy()))
}

/// A word of a command line, in quotes where a shell would take it for anything else.
pub(crate) fn quoted(word: &str) -> String {
    let is_plain = |c: char| c.is_alphanumeric() || "_@%+=:,./-".contains(c);
    if !word.is_empty() && word.chars().all(is_plain) {
        word.into()
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
}

/// A file as the field `file` of a form, for `curl -F`.
pub(crate) fn form_file(path: &Path) -> String {
    let mut path = path.to_string_lossy().into_owned();
    // Outside of quotes of its own, curl ends a name at these.
    if path.contains([',', ';']) || path.starts_with('"') {
        path = format!("\"{}\"", path.replace('\\', r"\\").replace('"', r#"\""#));
    }
    quoted(&format!("file=@{path}"))
}

#[cfg(test)]
mod tests {
    use std::path::Path;
    use std::process::Command;

    use super::{form_file, quoted};

    #[test]
    fn a_shell_reads_a_quoted_word_as_it_was() {
        for word in ["plain/path-1.jpg", "", "two words", "it's", "$HOME `id` \"x\" \\ *?;&|<>(){}~#!", "Löwenzahn\n2"]
        {
            let said = Command::new("sh").args(["-c", &format!("printf %s {}", quoted(word))]).output().unwrap();
            assert_eq!(String::from_utf8(said.stdout).unwrap(), word);
        }
        assert_eq!(quoted("/usr/bin/pappus"), "/usr/bin/pappus", "no quotes where none are needed");
    }

    #[test]
    fn a_file_of_a_form_is_quoted_for_the_shell_and_for_curl() {
        for (path, field) in [
            ("photos/1.jpg", "file=@photos/1.jpg"),
            ("my photos/1.jpg", "'file=@my photos/1.jpg'"),
            ("a,b/1.jpg", "'file=@\"a,b/1.jpg\"'"),
            (r#"a;"b"\c.jpg"#, r#"'file=@"a;\"b\"\\c.jpg"'"#),
        ] {
            assert_eq!(form_file(Path::new(path)), field);
        }
    }
}
