package quern

import (
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
)

// SchemaOf is the JSON Schema of a struct type, for Question.Schema. Names are those of encoding/json; more keywords stand
// in the tag `schema`, as the members of a JSON object:
//
//	Confidence int `json:"confidence" schema:"\"minimum\": 0, \"maximum\": 100"`
//
// A pointer may be null. Types that JSON has not are a panic: they are a mistake in the program.
func SchemaOf[T any]() string {
	return schemaOf(reflect.TypeFor[T]())
}

var plain = map[reflect.Kind]string{
	reflect.String: "string", reflect.Bool: "boolean", reflect.Float32: "number", reflect.Float64: "number",
	reflect.Int: "integer", reflect.Int8: "integer", reflect.Int16: "integer", reflect.Int32: "integer", reflect.Int64: "integer",
	reflect.Uint: "integer", reflect.Uint8: "integer", reflect.Uint16: "integer", reflect.Uint32: "integer", reflect.Uint64: "integer",
}

func schemaOf(kind reflect.Type) string {
	if name, known := plain[kind.Kind()]; known {
		return fmt.Sprintf(`{"type": %q}`, name)
	}
	switch kind.Kind() {
	case reflect.Pointer:
		return fmt.Sprintf(`{"anyOf": [%s, {"type": "null"}]}`, schemaOf(kind.Elem()))
	case reflect.Slice, reflect.Array:
		return fmt.Sprintf(`{"type": "array", "items": %s}`, schemaOf(kind.Elem()))
	case reflect.Map:
		return fmt.Sprintf(`{"type": "object", "additionalProperties": %s}`, schemaOf(kind.Elem()))
	case reflect.Struct:
		return structSchema(kind)
	}
	panic(fmt.Sprintf("a model cannot be asked for %v: there is no JSON Schema for it", kind))
}

func structSchema(kind reflect.Type) string {
	var properties, required []string
	for i := range kind.NumField() {
		field := kind.Field(i)
		name, options, _ := strings.Cut(field.Tag.Get("json"), ",")
		if name == "-" || !field.IsExported() {
			continue
		}
		if name == "" {
			name = field.Name
		}
		quoted, _ := json.Marshal(name)
		schema := schemaOf(field.Type)
		if more := field.Tag.Get("schema"); more != "" {
			schema = strings.TrimSuffix(schema, "}") + ", " + more + "}"
		}
		properties = append(properties, string(quoted)+": "+schema)
		if !strings.Contains(options, "omitempty") {
			required = append(required, string(quoted))
		}
	}
	return fmt.Sprintf(`{"type": "object", "properties": {%s}, "required": [%s], "additionalProperties": false}`,
		strings.Join(properties, ", "), strings.Join(required, ", "))
}
