// Command generate writes what is derived from the Go types of the manifest language: the JSON Schema that editors use,
// and the reference page that people read. It takes names, rules and defaults from struct tags by way of package shape,
// and meanings from doc comments by way of go/doc's parser, so that neither is ever written by hand. It is run by
// `go generate ./schema`, in the folder of package schema; a test fails when its output is not what is committed.
package main

import (
	"fmt"
	"os"
	"path/filepath"
)

func main() {
	if err := run("."); err != nil {
		fmt.Fprintln(os.Stderr, "generate:", err)
		os.Exit(1)
	}
}

// run writes every derived file of the package in folder.
func run(folder string) error {
	files, err := derived(folder)
	if err != nil {
		return err
	}
	for name, data := range files {
		if err := os.WriteFile(filepath.Join(folder, name), data, 0o644); err != nil {
			return fmt.Errorf("write derived file: %w", err)
		}
	}
	return nil
}

// derived is the content of every derived file by its name, relative to the folder of package schema.
func derived(folder string) (map[string][]byte, error) {
	docs, err := readComments(folder)
	if err != nil {
		return nil, err
	}
	schema, err := jsonSchema(docs)
	if err != nil {
		return nil, err
	}
	return map[string][]byte{
		"schema.json":          schema,
		"../docs/manifests.md": reference(docs),
	}, nil
}
