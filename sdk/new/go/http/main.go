// How does a text sound? POST it, and read the verdict as JSON while the model writes it.
package main

import (
	"fmt"
	"strings"

	"app/quern"
	"app/quern/http"
)

type Verdict struct {
	Sentiment  string `json:"sentiment" schema:"\"enum\": [\"positive\", \"neutral\", \"negative\"]"`
	Confidence int    `json:"confidence" schema:"\"minimum\": 0, \"maximum\": 100"` // percent
	Reason     string `json:"reason" schema:"\"maxLength\": 120"`
}

func answer(request *http.Request, response *http.Response) error {
	if request.Method() != "POST" {
		return &http.Refused{Status: 405, Text: "POST a text to this address"}
	}
	text, err := request.Text(64 * 1024)
	if err != nil {
		return err
	}
	if strings.TrimSpace(text) == "" {
		return &http.Refused{Status: 400, Text: "the text is empty"}
	}
	llm, err := quern.Open("default")
	if err != nil {
		return err
	}
	const task = "Judge how the user's text sounds, and say in one sentence why."
	stream := llm.Stream(quern.Question{
		Messages: []quern.Message{{Role: quern.RoleSystem, Content: task}, {Role: quern.RoleUser, Content: text}},
		Sampling: quern.Sampling{Temperature: quern.Is[float32](0), MaxTokens: quern.Is[uint32](300)},
		Schema:   quern.SchemaOf[Verdict](),
	})
	// A client that leaves ends this instance, and the model stops.
	for piece, err := range stream.All() {
		if err != nil {
			return err
		}
		if !response.Started() {
			response.Start(200, "application/json")
		}
		if err := response.Write(piece); err != nil {
			return err
		}
	}
	var verdict Verdict
	if err := stream.Value(&verdict); err != nil {
		return err
	}
	reply, err := stream.Whole()
	if err != nil {
		return err
	}
	fmt.Printf("%s, %d %%, %d tokens\n", verdict.Sentiment, verdict.Confidence, reply.Usage.CompletionTokens)
	return nil
}

func init() { http.Handle(answer) }

func main() {}
