//! What the files of `src` name: parsed, without tests, and resolved to the file that defines it.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use proc_macro2::{TokenStream, TokenTree};
use syn::ext::IdentExt;
use syn::visit::{self, Visit};
use syn::{Attribute, Item, ItemMod, ItemUse, UseTree, Visibility};

/// One file, and what it names.
#[derive(Default)]
pub struct Source {
    /// The module, as in `delivery::run::claim`; empty for `lib.rs`.
    module: Vec<String>,
    /// What its `use` lines bring in: the name, and the path it stands for.
    imports: BTreeMap<String, Vec<String>>,
    /// The paths that `use` lines make available without passing them on.
    used: Vec<Vec<String>>,
    /// Modules whose every name is in scope.
    globs: Vec<Vec<String>>,
    /// Modules that are declared here.
    children: BTreeSet<String>,
    /// Paths as they are written, beside the `use` lines.
    paths: Vec<Vec<String>>,
    /// The names of methods that are called.
    pub methods: BTreeSet<String>,
    /// Texts as they are written, in the code and in what macros are given.
    pub literals: BTreeSet<String>,
    /// The names of types that are defined: structs, enums, unions, traits and aliases.
    pub types: Vec<String>,
}

/// All files of `src` that are compiled into `rel`, by their path below it.
pub struct Sources(BTreeMap<String, Source>);

impl Sources {
    /// Parses them.
    pub fn parse() -> Sources {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
        let mut sources = Sources(BTreeMap::new());
        for file in ["lib.rs", "main.rs"] {
            sources.add(&root, file, Vec::new());
        }
        assert!(sources.0.len() > 100, "the sources were not found");
        sources
    }

    /// Every file with its path.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Source)> {
        self.0.iter().map(|(path, source)| (path.as_str(), source))
    }

    /// Parses a file, and those of the modules that it declares.
    fn add(&mut self, root: &Path, file: &str, module: Vec<String>) {
        let text = fs::read_to_string(root.join(file)).unwrap_or_else(|bad| panic!("{file}: {bad}"));
        let parsed = syn::parse_file(&text).unwrap_or_else(|bad| panic!("{file}: {bad}"));
        let mut source = Source { module: module.clone(), ..Source::default() };
        source.visit_file(&parsed);
        let folder = match file.rsplit_once('/') {
            Some((folder, "mod.rs")) => format!("{folder}/"),
            _ if ["lib.rs", "main.rs"].contains(&file) => String::new(),
            _ => format!("{}/", file.trim_end_matches(".rs")),
        };
        for name in &source.children {
            let child = [module.as_slice(), std::slice::from_ref(name)].concat();
            let places = [format!("{folder}{name}.rs"), format!("{folder}{name}/mod.rs")];
            let place = places.iter().find(|place| root.join(place).is_file());
            self.add(root, place.unwrap_or_else(|| panic!("{file} has no module {name}")), child);
        }
        self.0.insert(file.to_owned(), source);
    }

    /// The files that a file names something of, itself excepted.
    pub fn uses(&self, file: &str) -> BTreeSet<String> {
        let source = &self.0[file];
        let named = source.used.iter().chain(&source.globs).cloned();
        let inline = source.paths.iter().filter_map(|path| source.absolute(path));
        named.chain(inline).filter_map(|path| self.defines(&path, 0)).filter(|used| used != file).collect()
    }

    /// Every path that a file names, as it would be written from outside: `git2::Oid`, `crate::ui::Screen`.
    pub fn names(&self, file: &str) -> BTreeSet<String> {
        let source = &self.0[file];
        let inline = source.paths.iter().map(|path| source.absolute(path).unwrap_or_else(|| path.clone()));
        inline.chain(source.imports.values().cloned()).map(|path| path.join("::")).collect()
    }

    /// The file that defines what an absolute path names; `None` if that is another crate's.
    fn defines(&self, path: &[String], depth: usize) -> Option<String> {
        let [first, rest @ ..] = path else { return None };
        if first != "crate" {
            return None;
        }
        let inside = |(_, source): &(&String, &Source)| rest.starts_with(&source.module);
        let deepest = self.0.iter().filter(|(file, _)| *file != "main.rs").filter(inside);
        let (file, source) = deepest.max_by_key(|(_, source)| source.module.len())?;
        let next = rest.get(source.module.len());
        let passed_on = next.and_then(|name| source.imports.get(name));
        match passed_on {
            // Two names that stand for each other would not compile.
            Some(target) if depth < 8 => {
                let whole = [target, &rest[source.module.len() + 1..]].concat();
                self.defines(&whole, depth + 1).or_else(|| Some(file.clone()))
            }
            _ => Some(file.clone()),
        }
    }
}

impl Source {
    /// The whole path of what stands here as `path`; `None` if it is neither of this crate nor imported.
    fn absolute(&self, path: &[String]) -> Option<Vec<String>> {
        let (first, rest) = path.split_first()?;
        let own = || [&["crate".to_owned()], self.module.as_slice()].concat();
        let base = match first.as_str() {
            "crate" => vec!["crate".to_owned()],
            // The library, to the binary; elsewhere it is a variable.
            "rel" if !rest.is_empty() => vec!["crate".to_owned()],
            "self" => own(),
            "super" => {
                let ups = path.iter().take_while(|name| *name == "super").count();
                let mut base = own();
                base.truncate(base.len().saturating_sub(ups).max(1));
                return Some([base.as_slice(), &path[ups..]].concat());
            }
            name => match self.imports.get(name) {
                Some(target) => target.clone(),
                None if self.children.contains(name) => [own().as_slice(), &[name.to_owned()]].concat(),
                None => return None,
            },
        };
        Some([base.as_slice(), rest].concat())
    }

    fn import(&mut self, tree: &UseTree, before: &[String], passes_on: bool) {
        let name = match tree {
            UseTree::Path(path) => {
                let whole = [before, &[path.ident.unraw().to_string()]].concat();
                return self.import(&path.tree, &whole, passes_on);
            }
            UseTree::Group(group) => {
                for tree in &group.items {
                    self.import(tree, before, passes_on);
                }
                return;
            }
            UseTree::Glob(_) => {
                let target = self.absolute(before).unwrap_or_else(|| before.to_vec());
                return self.globs.push(target);
            }
            UseTree::Name(name) => name.ident.unraw().to_string(),
            UseTree::Rename(rename) => rename.ident.unraw().to_string(),
        };
        let path =
            if name == "self" { before.to_vec() } else { [before, std::slice::from_ref(&name)].concat() };
        let known_as = match tree {
            UseTree::Rename(rename) => rename.rename.unraw().to_string(),
            _ => path.last().cloned().unwrap_or_default(),
        };
        let target = self.absolute(&path).unwrap_or(path);
        // A module passes on what its own files define; it does not use that.
        let within = target.get(1..).is_some_and(|inner| inner.starts_with(&self.module));
        if !(passes_on && within) {
            self.used.push(target.clone());
        }
        self.imports.insert(known_as, target);
    }

    /// Paths in what a macro is given, which no parser knows.
    fn tokens(&mut self, tokens: TokenStream) {
        let mut path: Vec<String> = Vec::new();
        let mut colons = 0;
        for token in tokens {
            match token {
                TokenTree::Ident(name) => {
                    if colons != 2 && !path.is_empty() {
                        self.paths.push(std::mem::take(&mut path));
                    }
                    path.push(name.unraw().to_string());
                    colons = 0;
                    continue;
                }
                TokenTree::Punct(punct) if punct.as_char() == ':' => {
                    colons += 1;
                    continue;
                }
                TokenTree::Group(group) => self.tokens(group.stream()),
                TokenTree::Literal(literal) => {
                    self.literals
                        .extend(syn::parse_str::<syn::LitStr>(&literal.to_string()).map(|text| text.value()));
                }
                TokenTree::Punct(_) => {}
            }
            colons = 0;
            if !path.is_empty() {
                self.paths.push(std::mem::take(&mut path));
            }
        }
        if !path.is_empty() {
            self.paths.push(path);
        }
    }
}

/// Whether something is compiled for tests alone.
fn is_for_tests(attributes: &[Attribute]) -> bool {
    let says = |attribute: &Attribute, what: &str| {
        attribute
            .meta
            .require_list()
            .is_ok_and(|list| list.path.is_ident("cfg") && list.tokens.to_string() == what)
    };
    attributes.iter().any(|attribute| says(attribute, "test") || attribute.path().is_ident("test"))
}

impl<'ast> Visit<'ast> for Source {
    fn visit_item(&mut self, item: &'ast Item) {
        let (attributes, defined) = match item {
            Item::Const(item) => (&item.attrs, None),
            Item::Enum(item) => (&item.attrs, Some(&item.ident)),
            Item::Fn(item) => (&item.attrs, None),
            Item::Impl(item) => (&item.attrs, None),
            Item::Mod(item) => (&item.attrs, None),
            Item::Struct(item) => (&item.attrs, Some(&item.ident)),
            Item::Trait(item) => (&item.attrs, Some(&item.ident)),
            Item::Type(item) => (&item.attrs, Some(&item.ident)),
            Item::Union(item) => (&item.attrs, Some(&item.ident)),
            Item::Use(item) => (&item.attrs, None),
            _ => return visit::visit_item(self, item),
        };
        if !is_for_tests(attributes) {
            self.types.extend(defined.map(ToString::to_string));
            visit::visit_item(self, item);
        }
    }

    fn visit_impl_item_fn(&mut self, method: &'ast syn::ImplItemFn) {
        if !is_for_tests(&method.attrs) {
            visit::visit_impl_item_fn(self, method);
        }
    }

    fn visit_item_mod(&mut self, module: &'ast ItemMod) {
        match &module.content {
            // What is inside names what is outside as `super`; that is the same file.
            Some((_, items)) => items.iter().for_each(|item| self.visit_item(item)),
            None => {
                self.children.insert(module.ident.unraw().to_string());
            }
        }
    }

    fn visit_item_use(&mut self, item: &'ast ItemUse) {
        self.import(&item.tree, &[], !matches!(item.vis, Visibility::Inherited));
    }

    fn visit_expr_method_call(&mut self, call: &'ast syn::ExprMethodCall) {
        self.methods.insert(call.method.to_string());
        visit::visit_expr_method_call(self, call);
    }

    /// `pub(crate)` and `pub(super)` name nothing that is used.
    fn visit_visibility(&mut self, _: &'ast Visibility) {}

    fn visit_path(&mut self, path: &'ast syn::Path) {
        self.paths.push(path.segments.iter().map(|segment| segment.ident.unraw().to_string()).collect());
        visit::visit_path(self, path);
    }

    fn visit_lit_str(&mut self, text: &'ast syn::LitStr) {
        self.literals.insert(text.value());
    }

    /// Documentation is made of texts as well.
    fn visit_attribute(&mut self, _: &'ast Attribute) {}

    fn visit_macro(&mut self, call: &'ast syn::Macro) {
        self.tokens(call.tokens.clone());
        visit::visit_macro(self, call);
    }
}
