// Package shape turns the Go types of the manifest language into a description that can be walked without looking at
// struct tags again. The parser decodes by it, the writer writes by it, and the generator of the JSON Schema and of the
// reference pages documents it, so that the three can never disagree about what a field is called or what it may hold.
// A Shape is made once per type and never changed; any number of goroutines may read it.
//
// The tags are:
//
//	yaml:"name"            the name of the field; ",inline" for an embedded struct whose fields belong to the outer one
//	check:"required,rule"  whether the field must be there, and the rules for its text (see package schema)
//	enum:"a,b"             the words that are allowed
//	laterEnum:"c"          words of the language that this build refuses by name
//	default:"a"            what is filled in where the field is absent
//	keys:"a,b"             the allowed keys of a map
//	later:"what"           a field of the language that this build refuses by name
package shape

import (
	"encoding"
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"
)

// Kind is what a value looks like in a manifest.
type Kind int

// The kinds of values.
const (
	String Kind = iota // text
	Text               // text that the type reads itself, such as a version
	Bool
	Int
	List   // of Elem
	Map    // of text to text
	Struct // with Fields
)

// Shape describes one Go type. Pointers are seen through.
type Shape struct {
	Kind   Kind
	Type   reflect.Type // never a pointer
	Elem   *Shape       // of a List
	Fields []*Field     // of a Struct, in the order of the Go fields, inlined ones in place
	byName map[string]*Field
}

// Field describes one field of a struct.
type Field struct {
	Name      string
	Owner     reflect.Type // the Go struct that declares it, which for an inlined field is the embedded one
	GoName    string
	Index     []int // for reflect.Value.FieldByIndex
	Shape     *Shape
	Required  bool
	Rules     []string // rules for text: of the value itself, of each item of a list, of each value of a map
	Min, Max  int      // bounds of an Int; both 0: none
	Enum      []string
	LaterEnum []string
	Keys      []string
	Default   reflect.Value // invalid: none
	DefaultAs string        // Default as it would be written
	Later     string        // what this build does not carry out; "" for every other field
}

// Of describes a type. It panics on a type that the language has no form for, which only a programmer can cause.
func Of(t reflect.Type) *Shape {
	s := &Shape{Type: t}
	switch {
	case reflect.PointerTo(t).Implements(reflect.TypeFor[encoding.TextUnmarshaler]()):
		s.Kind = Text
	case t.Kind() == reflect.String:
		s.Kind = String
	case t.Kind() == reflect.Bool:
		s.Kind = Bool
	case t.Kind() == reflect.Int:
		s.Kind = Int
	case t.Kind() == reflect.Slice:
		s.Kind, s.Elem = List, Of(t.Elem())
	case t == reflect.TypeFor[map[string]string]():
		s.Kind = Map
	case t.Kind() == reflect.Struct:
		s.Kind = Struct
		s.addFields(t, nil)
	default:
		panic(fmt.Sprintf("shape: no form for %v", t))
	}
	return s
}

// Field returns the field of that name, or nil.
func (s *Shape) Field(name string) *Field { return s.byName[name] }

// Names lists the fields that this build carries out.
func (s *Shape) Names() []string {
	var names []string
	for _, f := range s.Fields {
		if f.Later == "" {
			names = append(names, f.Name)
		}
	}
	return names
}

func (s *Shape) addFields(t reflect.Type, prefix []int) {
	if s.byName == nil {
		s.byName = make(map[string]*Field)
	}
	for i := range t.NumField() {
		sf := t.Field(i)
		index := append(slices.Clip(prefix), i)
		name, option, _ := strings.Cut(sf.Tag.Get("yaml"), ",")
		switch {
		case option == "inline":
			s.addFields(sf.Type, index)
		case name != "-":
			f := newField(t, sf, name, index)
			s.Fields = append(s.Fields, f)
			s.byName[name] = f
		}
	}
}

func newField(owner reflect.Type, sf reflect.StructField, name string, index []int) *Field {
	f := &Field{
		Name: name, Owner: owner, GoName: sf.Name, Index: index,
		Enum: words(sf.Tag.Get("enum")), LaterEnum: words(sf.Tag.Get("laterEnum")), Keys: words(sf.Tag.Get("keys")),
		DefaultAs: sf.Tag.Get("default"), Later: sf.Tag.Get("later"),
	}
	if f.Later != "" {
		return f // refused before its type matters
	}
	t := sf.Type
	if t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	f.Shape = Of(t)
	for _, rule := range words(sf.Tag.Get("check")) {
		f.addRule(rule)
	}
	if f.DefaultAs != "" {
		f.Default = read(t, f.DefaultAs)
	}
	return f
}

func (f *Field) addRule(rule string) {
	key, value, _ := strings.Cut(rule, "=")
	number, _ := strconv.Atoi(value)
	switch key {
	case "required":
		f.Required = true
	case "min":
		f.Min = number
	case "max":
		f.Max = number
	default:
		f.Rules = append(f.Rules, rule)
	}
}

// read makes the value of a default from its tag.
func read(t reflect.Type, text string) reflect.Value {
	v := reflect.New(t)
	if u, ok := v.Interface().(encoding.TextUnmarshaler); !ok {
		v.Elem().SetString(text)
	} else if err := u.UnmarshalText([]byte(text)); err != nil {
		panic(fmt.Sprintf("shape: default of %v: %v", t, err))
	}
	return v.Elem()
}

func words(tag string) []string {
	if tag == "" {
		return nil
	}
	return strings.Split(tag, ",")
}
