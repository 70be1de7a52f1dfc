//! Names in the spelling of Protocol Buffers.

/// `no_such_title` becomes `NoSuchTitle`; a name that begins with a capital keeps its inner capitals.
/// It is how protobuf names the entry of a map after its field.
pub(crate) fn camel(name: &str) -> String {
    let mut camel = String::with_capacity(name.len());
    let mut capital = true;
    for letter in name.chars() {
        match letter {
            '_' => capital = true,
            _ if capital => {
                camel.extend(letter.to_uppercase());
                capital = false;
            }
            _ => camel.push(letter),
        }
    }
    camel
}

/// `NoSuchTitle` becomes `no_such_title`, `HTTPServer` becomes `http_server`.
pub(crate) fn snake(name: &str) -> String {
    let letters: Vec<char> = name.chars().collect();
    let mut snake = String::with_capacity(name.len() + 4);
    for (i, letter) in letters.iter().enumerate() {
        if letter.is_uppercase() && i > 0 && letters[i - 1] != '_' {
            let after_word = !letters[i - 1].is_uppercase();
            let before_word = letters.get(i + 1).is_some_and(|next| next.is_lowercase());
            if after_word || before_word {
                snake.push('_');
            }
        }
        snake.extend(letter.to_lowercase());
    }
    snake
}

/// `NoSuchTitle` becomes `NO_SUCH_TITLE`.
pub(crate) fn screaming(name: &str) -> String {
    snake(name).to_uppercase()
}

#[cfg(feature = "proto")]
/// The name that a field has in JSON unless it is given another.
pub(crate) fn json_name(name: &str) -> String {
    let mut json = String::new();
    let mut capital = false;
    for letter in name.chars() {
        match letter {
            '_' => capital = true,
            _ if capital => {
                json.push(letter.to_ascii_uppercase());
                capital = false;
            }
            _ => json.push(letter),
        }
    }
    json
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Names change their spelling and keep their words.
    #[test]
    fn spellings() {
        assert_eq!(camel("no_such_title"), "NoSuchTitle");
        assert_eq!(camel("lentAt"), "LentAt");
        assert_eq!(camel("field_1"), "Field1");
        assert_eq!(snake("NoSuchTitle"), "no_such_title");
        assert_eq!(snake("HTTPServer2"), "http_server2");
        assert_eq!(snake("already_snake"), "already_snake");
        assert_eq!(screaming("ApiAPoint"), "API_A_POINT");
    }
}
