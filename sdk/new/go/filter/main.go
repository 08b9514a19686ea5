// Leaves out what was only for debugging, makes many events of one that holds a list, and asks the model for a word about
// the others where the pipeline's file says ask = "true".
package main

import (
	"fmt"
	"strings"

	"app/quern"
	"app/quern/filter"
)

var llm *quern.Model // nil: the filter does not ask

func init() { filter.Handle(configure, process) }

func main() {}

func configure(options map[string]string) (err error) {
	for name, value := range options {
		if name != "ask" {
			return fmt.Errorf("there is no option %s; there is ask", name)
		}
		if value == "true" {
			llm, err = quern.Open("default")
		}
	}
	return err
}

func process(event *filter.Event) (filter.Outcome, error) {
	if event.Body["level"] == "debug" {
		filter.Count("debug_lines", 1)
		return filter.Drop, nil
	}
	body := event.Body.Clone()
	body["by"] = "@NAME@"
	if items, ok := body["items"].([]any); ok {
		delete(body, "items")
		var many []filter.Event
		for _, item := range items {
			part := body.Clone()
			part["item"] = item
			many = append(many, event.With(part))
		}
		return filter.Replace(many), nil
	}
	if llm != nil {
		word, err := ask(event.Body.String())
		if err != nil {
			return filter.Outcome{}, err
		}
		body["word"] = word
	}
	return filter.Change(body), nil
}

func ask(record string) (string, error) {
	messages := []quern.Message{
		{Role: quern.RoleSystem, Content: "Say in one word what this log record is about."},
		{Role: quern.RoleUser, Content: record},
	}
	reply, err := llm.Ask(quern.Question{Messages: messages, Sampling: quern.Sampling{
		Temperature: quern.Is[float32](0), MaxTokens: quern.Is[uint32](8)}})
	if err != nil {
		return "", err
	}
	return strings.TrimSpace(reply.Text), nil
}
