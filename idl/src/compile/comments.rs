//! Comments of a `.proto` as they may stand in Rust's docs: what looks like code there must not be run as a test.

use prost_types::FileDescriptorProto;

/// Takes from the comments of a file what Rust's documentation would compile.
pub(super) fn soften(file: &mut FileDescriptorProto) {
    let Some(info) = &mut file.source_code_info else { return };
    for location in &mut info.location {
        let comments = location.leading_comments.iter_mut().chain(&mut location.trailing_comments);
        comments.chain(&mut location.leading_detached_comments).for_each(|text| *text = softened(text));
    }
}

/// An indented block is code to Markdown, and so is one between fences. prost-build adds one more space.
fn softened(text: &str) -> String {
    const DEEPEST: usize = 2;
    let mut is_open = false;
    let mut soft = String::with_capacity(text.len());
    for line in text.lines() {
        let line = line.strip_prefix(' ').unwrap_or(line);
        let words = line.trim_start();
        let indent = (line.len() - words.len()).min(DEEPEST);
        soft.extend(std::iter::repeat_n(' ', indent + 1));
        if words.starts_with("```") {
            soft.push_str(if is_open { "```" } else { "```text" });
            is_open = !is_open;
        } else {
            soft.push_str(words);
        }
        soft.push('\n');
    }
    soft
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Code stays readable, and nothing of it is compiled.
    #[test]
    fn code_is_text() {
        let soft = softened(" See:\n\n     let x = 1;\n ```go\n x\n ```\n");
        assert_eq!(soft, " See:\n \n   let x = 1;\n ```text\n x\n ```\n");
    }
}
