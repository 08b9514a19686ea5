package quern

import (
	"encoding/json"
	"fmt"
)

// Tool is a function that the model may call; Function makes one.
type Tool struct {
	name, description, parameters string
	call                          func(arguments string) (string, error)
}

// Function makes a tool of a function. Its arguments are one struct; the model is told its members. Texts are given back to
// the model as they are, everything else as JSON.
func Function[Arguments, Result any](name, description string, call func(Arguments) Result) Tool {
	return Tool{name, description, SchemaOf[Arguments](), func(text string) (string, error) {
		var arguments Arguments
		if err := json.Unmarshal([]byte(text), &arguments); err != nil {
			return "", fmt.Errorf("the call of %s is not whole: %w", name, err)
		}
		result := any(call(arguments))
		if said, isText := result.(string); isText {
			return said, nil
		}
		said, err := json.Marshal(result)
		return string(said), err
	}}
}

func callOne(tools []Tool, call ToolCall) (string, error) {
	for _, tool := range tools {
		if tool.name == call.Name {
			return tool.call(call.Arguments)
		}
	}
	return "", fmt.Errorf("the call of a tool ended before its name was whole: %s", call.Name)
}
