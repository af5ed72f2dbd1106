//! Pages of lists (GitHub: using pagination in the REST API).

use url::form_urlencoded;

/// Which part of a list was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Page {
    number: usize,
    size: usize,
}

/// A value of the query.
pub(crate) fn parameter(query: Option<&str>, name: &str) -> Option<String> {
    form_urlencoded::parse(query?.as_bytes()).find(|(key, _)| key == name).map(|(_, value)| value.into_owned())
}

impl Page {
    /// 30 entries a page unless `per_page` says otherwise, and never more than 100.
    pub(crate) fn of(query: Option<&str>) -> Self {
        let number = |name| parameter(query, name).and_then(|value| value.parse().ok()).filter(|value| *value > 0);
        Self { number: number("page").unwrap_or(1), size: number("per_page").unwrap_or(30).min(100) }
    }

    /// The part of a list.
    pub(crate) fn cut<T>(self, all: &[T]) -> &[T] {
        let start = self.number.saturating_sub(1).saturating_mul(self.size).min(all.len());
        &all[start..all.len().min(start + self.size)]
    }

    /// The `Link` header for a list of so many entries; none when there is one page.
    pub(crate) fn links(self, url: &str, query: Option<&str>, total: usize) -> Option<String> {
        let last = total.div_ceil(self.size).max(1);
        let mut links = Vec::new();
        let mut link = |number: usize, relation: &str| links.push(format!("<{}>; rel=\"{relation}\"", with_page(url, query, number)));
        if self.number > 1 {
            link(self.number - 1, "prev");
        }
        if self.number < last {
            link(self.number + 1, "next");
            link(last, "last");
        }
        if self.number > 1 {
            link(1, "first");
        }
        if links.is_empty() { None } else { Some(links.join(", ")) }
    }
}

fn with_page(url: &str, query: Option<&str>, number: usize) -> String {
    let mut text = form_urlencoded::Serializer::new(String::new());
    for (key, value) in form_urlencoded::parse(query.unwrap_or_default().as_bytes()).filter(|(key, _)| key != "page") {
        text.append_pair(&key, &value);
    }
    text.append_pair("page", &number.to_string());
    format!("{url}?{}", text.finish())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_have_thirty_entries_and_at_most_a_hundred() {
        let all: Vec<usize> = (0..250).collect();
        for (query, first, length) in
            [(None, 0, 30), (Some("per_page=100&page=3"), 200, 50), (Some("per_page=1000"), 0, 100), (Some("page=0&per_page=x"), 0, 30)]
        {
            let page = Page::of(query);
            assert_eq!((page.cut(&all)[0], page.cut(&all).len()), (first, length), "Input: {query:?}");
        }
        assert!(Page::of(Some("page=99999999999999")).cut(&all).is_empty());
    }

    #[test]
    fn links_lead_forwards_and_backwards() {
        let query = Some("per_page=100&page=2");
        let links = Page::of(query).links("http://x/y", query, 250).unwrap();
        assert_eq!(
            links,
            "<http://x/y?per_page=100&page=1>; rel=\"prev\", <http://x/y?per_page=100&page=3>; rel=\"next\", \
             <http://x/y?per_page=100&page=3>; rel=\"last\", <http://x/y?per_page=100&page=1>; rel=\"first\""
        );
        assert_eq!(Page::of(None).links("http://x/y", None, 30), None);
    }
}
