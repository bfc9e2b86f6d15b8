package schema

import (
	"bytes"
	_ "embed"
)

//go:generate go run ./internal/generate

//go:embed schema.json
var schemaJSON []byte

// JSONSchema is the language as a JSON Schema (draft-07) for editors. It accepts whatever ParseFile accepts; ParseFile
// refuses more, for instance duplicate keys and names that do not exist.
func JSONSchema() []byte { return bytes.Clone(schemaJSON) }
