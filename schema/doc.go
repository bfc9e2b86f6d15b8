// Package schema is the manifest language: its kinds, how they are read, and what they may say to each other.
//
// A file of manifests becomes a File with ParseFile, which finds everything that is wrong in it by itself; files become
// a Set with NewSet, which finds everything that is wrong between them. Both list all mistakes, each with file, line
// and column, the path of the field and, where one is near, a suggestion. A File depends on nothing but its bytes and is
// never changed, so that whoever follows a repository parses only what changed.
//
// The language is YAML (or JSON) with what makes YAML surprising left out: no anchors, aliases, merge keys, tags or
// null, no key twice, no unknown field, and no 5.10 that other tools read as 5.1. Fields that the language has but this
// build does not carry out are refused by name: nothing is ever accepted and ignored.
//
// The Go types say it all: names, rules, defaults and refusals are tags of the types in types.go, which package shape
// compiles once. The JSON Schema for editors and the reference in docs/manifests.md are generated from the same tags
// and doc comments. Versions, ranges and rules (Version, Range, VersionRule) are values with no ties to YAML.
//
// Whoever changes manifests for a person edits text: PutDocument, RemoveDocument, SetPolicyVersion and
// RemovePolicyVersion replace the bytes that they are about and keep all others, comments and spacing included.
//
// This package does no I/O, knows no clock and trusts nothing that it reads: size, number and depth are bounded.
package schema
