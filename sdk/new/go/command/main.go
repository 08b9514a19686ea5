// Asks the model that its host lends.
package main

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"app/quern"
)

var errUsage = errors.New(`usage: @NAME@ QUESTION                  the answer, as it is written
       @NAME@ --brief QUESTION          its first sentence
       @NAME@ --clock QUESTION          the model may look at the clock
       @NAME@ --closest TEXT OTHER...   which of the others is nearest in meaning`)

var greedy = quern.Sampling{Temperature: quern.Is[float32](0), MaxTokens: quern.Is[uint32](200)}

func ask(llm *quern.Model, question string) error {
	for piece, err := range llm.Stream(quern.Question{Messages: quern.User(question), Sampling: greedy}).All() {
		if err != nil {
			return err
		}
		fmt.Print(piece)
	}
	fmt.Println()
	return nil
}

func brief(llm *quern.Model, question string) error {
	stream := llm.Stream(quern.Question{Messages: quern.User(question), Sampling: quern.Sampling{Temperature: quern.Is[float32](0)}})
	text := ""
	for !strings.Contains(text, ".") {
		piece, more, err := stream.Next()
		if err != nil {
			return err
		}
		if !more {
			piece = "."
		}
		text += piece
	}
	stream.Cancel()
	reply, err := stream.Whole()
	if err != nil {
		return err
	}
	sentence, _, _ := strings.Cut(text, ".")
	fmt.Println(sentence + ".")
	fmt.Fprintln(os.Stderr, reply.Usage.CompletionTokens, "tokens")
	return nil
}

type zone struct {
	Zone string `json:"zone" schema:"\"description\": \"the name of a time zone, as in UTC\""`
}

func clock(arguments zone) string {
	if arguments.Zone != "UTC" {
		return "nobody here knows the time in " + arguments.Zone
	}
	return time.Now().UTC().Format("15:04") + " in UTC"
}

func askWithClock(llm *quern.Model, question string) error {
	tools := []quern.Tool{quern.Function("clock", "Says what time it is.", clock)}
	reply, err := llm.Ask(quern.Question{Messages: quern.User(question), Sampling: greedy, Tools: tools})
	if err != nil {
		return err
	}
	fmt.Println(reply.Text)
	return nil
}

func closest(llm *quern.Model, texts []string) error {
	vectors, err := llm.Embed(texts...)
	if err != nil {
		return err
	}
	best, likeness := 0, float32(-2)
	for i, vector := range vectors[1:] {
		sum := float32(0)
		for k, x := range vector {
			sum += x * vectors[0][k]
		}
		if sum > likeness {
			best, likeness = i+1, sum
		}
	}
	fmt.Println(texts[best])
	return nil
}

func run(words []string) error {
	option := len(words) > 0 && strings.HasPrefix(words[0], "-")
	if (!option && len(words) != 1) || (option && len(words) < 2) {
		return errUsage
	}
	llm, err := quern.Open("default")
	switch {
	case err != nil:
		return err
	case !option:
		return ask(llm, words[0])
	case words[0] == "--brief" && len(words) == 2:
		return brief(llm, words[1])
	case words[0] == "--clock" && len(words) == 2:
		return askWithClock(llm, words[1])
	case words[0] == "--closest" && len(words) > 2:
		return closest(llm, words[1:])
	}
	return errUsage
}

func main() {
	err := run(os.Args[1:])
	if err == nil {
		return
	}
	if err == errUsage {
		fmt.Fprintln(os.Stderr, err)
	} else {
		fmt.Fprintln(os.Stderr, "@NAME@:", err)
	}
	os.Exit(1)
}
