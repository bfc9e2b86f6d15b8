package main

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"reflect"
	"strings"

	"lull/schema/internal/shape"
)

// comments holds the doc comments of types ("Client") and of their fields ("ClientSpec.Server").
type comments map[string]string

func readComments(folder string) (comments, error) {
	files, err := filepath.Glob(filepath.Join(folder, "*.go"))
	if err != nil {
		return nil, fmt.Errorf("list Go files: %w", err)
	}
	all := make(comments)
	set := token.NewFileSet()
	for _, name := range files {
		file, err := parser.ParseFile(set, name, nil, parser.ParseComments)
		if err != nil {
			return nil, fmt.Errorf("read doc comments: %w", err)
		}
		ast.Inspect(file, all.collect)
	}
	return all, nil
}

func (c comments) collect(n ast.Node) bool {
	decl, ok := n.(*ast.GenDecl)
	if !ok {
		return true
	}
	for _, spec := range decl.Specs {
		t, ok := spec.(*ast.TypeSpec)
		if !ok {
			continue
		}
		c[t.Name.Name] = line(decl.Doc)
		if s, ok := t.Type.(*ast.StructType); ok {
			c.fields(t.Name.Name, s)
		}
	}
	return false
}

func (c comments) fields(owner string, s *ast.StructType) {
	for _, f := range s.Fields.List {
		for _, name := range f.Names {
			c[owner+"."+name.Name] = line(f.Doc)
		}
	}
}

// ofType is the comment of a Go type.
func (c comments) ofType(t reflect.Type) string { return c[t.Name()] }

// of is the comment of a field, in which the field is called as in a manifest.
func (c comments) of(f *shape.Field) string {
	doc := c[f.Owner.Name()+"."+f.GoName]
	rest, ok := strings.CutPrefix(doc, f.GoName+" ")
	if !ok || strings.EqualFold(f.GoName[:1], f.Name[:1]) && f.GoName[1:] == strings.ToLower(f.GoName[1:]) {
		return doc // a plain word at the start of a sentence
	}
	return f.Name + " " + rest
}

func line(doc *ast.CommentGroup) string {
	first, _, _ := strings.Cut(doc.Text(), "\n\n") // what follows is for readers of the code
	return strings.Join(strings.Fields(first), " ")
}
