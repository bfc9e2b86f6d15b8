package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strings"

	"lull/schema"
	"lull/schema/internal/shape"
)

// object is a JSON object; encoding/json sorts its keys, so that the output is always the same.
type object = map[string]any

// shapes describes every kind of the language.
func shapes() map[schema.Kind]*shape.Shape {
	return map[schema.Kind]*shape.Shape{
		schema.KindServer:      shape.Of(reflect.TypeFor[schema.Server]()),
		schema.KindClient:      shape.Of(reflect.TypeFor[schema.Client]()),
		schema.KindRelease:     shape.Of(reflect.TypeFor[schema.Release]()),
		schema.KindGroup:       shape.Of(reflect.TypeFor[schema.Group]()),
		schema.KindWorkstation: shape.Of(reflect.TypeFor[schema.Workstation]()),
	}
}

func jsonSchema(docs comments) ([]byte, error) {
	definitions, refs := object{}, []object{}
	for _, kind := range schema.Kinds() {
		definitions[string(kind)] = kindSchema(docs, kind)
		refs = append(refs, object{"$ref": "#/definitions/" + string(kind)})
	}
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	err := e.Encode(object{
		"$schema":     "http://json-schema.org/draft-07/schema#",
		"title":       "Lull manifest",
		"description": "One document of the manifest language " + schema.APIVersion + ".",
		"oneOf":       refs,
		"definitions": definitions,
	})
	if err != nil {
		return nil, fmt.Errorf("encode JSON Schema: %w", err)
	}
	return b.Bytes(), nil
}

func kindSchema(docs comments, kind schema.Kind) object {
	s := shapes()[kind]
	o := structSchema(docs, s)
	o["description"] = docs.ofType(s.Type)
	properties := o["properties"].(object)
	properties["apiVersion"] = object{"const": schema.APIVersion}
	properties["kind"] = object{"const": string(kind)}
	o["required"] = append([]string{"apiVersion", "kind"}, o["required"].([]string)...)
	return o
}

func structSchema(docs comments, s *shape.Shape) object {
	properties, required := object{}, []string{}
	for _, f := range s.Fields {
		properties[f.Name] = fieldSchema(docs, f)
		if f.Required {
			required = append(required, f.Name)
		}
	}
	o := object{"type": "object", "additionalProperties": false, "properties": properties}
	if len(required) > 0 {
		o["required"] = required
	}
	return o
}

func fieldSchema(docs comments, f *shape.Field) object {
	if f.Later != "" {
		return object{"not": object{}, "description": docs.of(f) + " Not carried out by this build: remove the field."}
	}
	o := valueSchema(docs, f, f.Shape)
	if doc := docs.of(f); doc != "" {
		o["description"] = doc
	}
	if f.DefaultAs != "" {
		o["default"] = f.DefaultAs
	}
	return o
}

func valueSchema(docs comments, f *shape.Field, s *shape.Shape) object {
	switch s.Kind {
	case shape.Struct:
		return structSchema(docs, s)
	case shape.List:
		return object{"type": "array", "minItems": 1, "items": valueSchema(docs, f, s.Elem)}
	case shape.Map:
		return object{"type": "object", "minProperties": 1, "propertyNames": keySchema(f), "additionalProperties": textSchema(f)}
	case shape.Bool:
		return object{"type": "boolean"}
	case shape.Int:
		return intSchema(f)
	case shape.Text:
		return object{"type": "string", "pattern": patterns()[s.Type]}
	}
	return textSchema(f)
}

func keySchema(f *shape.Field) object {
	if len(f.Keys) > 0 {
		return object{"enum": f.Keys}
	}
	return object{"pattern": namePattern}
}

func intSchema(f *shape.Field) object {
	o := object{"type": "integer"}
	if f.Max != 0 {
		o["minimum"], o["maximum"] = f.Min, f.Max
	}
	return o
}

const namePattern = `^[A-Za-z0-9._-]{1,63}$`

// textSchema holds of the rules for a text what a JSON Schema can say in few characters; the parser knows them whole.
func textSchema(f *shape.Field) object {
	o := object{"type": "string", "minLength": 1}
	if len(f.Enum) > 0 {
		return object{"type": "string", "enum": f.Enum}
	}
	for _, rule := range f.Rules {
		switch rule {
		case "name":
			o["pattern"] = namePattern
		case "printable":
			o["maxLength"] = 64
		case "host":
			o["maxLength"], o["pattern"] = 64, `^[^*?]+$`
		case "process":
			o["maxLength"], o["pattern"] = 64, `^[^/\\]+$`
		case "relative", "pattern":
			o["pattern"] = `^[^/\\:]([^:]*[^/\\:])?$`
		}
	}
	return o
}

// patterns says how the texts look that read themselves.
func patterns() map[reflect.Type]string {
	number := `(0|[1-9][0-9]*)`
	version := number + `(\.` + number + `){0,3}(-[A-Za-z0-9]+(\.[A-Za-z0-9]+)*)?`
	term := ` *((=|!=|>|>=|<|<=) *` + version + `|~ *` + number + `\.` + number + `) *`
	within := term + `(,` + term + `)*`
	return map[reflect.Type]string{
		reflect.TypeFor[schema.Version]():     `^` + version + `$`,
		reflect.TypeFor[schema.Range]():       `^` + within + `$`,
		reflect.TypeFor[schema.VersionRule](): `^(server|newest|` + version + `|` + within + `)$`,
		reflect.TypeFor[schema.Duration]():    `^\+?([0-9]+(\.[0-9]*)?|\.[0-9]+)(ns|us|µs|μs|ms|s|m|h)(([0-9]+(\.[0-9]*)?|\.[0-9]+)(ns|us|µs|μs|ms|s|m|h))*$`,
		reflect.TypeFor[schema.Time]():        `^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]+)?(Z|[+-][0-9]{2}:[0-9]{2})$`,
	}
}

// words joins words for a person.
func words(all []string) string {
	all = slices.Clone(all)
	for i := range all {
		all[i] = "`" + all[i] + "`"
	}
	return strings.Join(all, ", ")
}
