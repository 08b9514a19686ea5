package quern

import (
	"encoding/json"
	"fmt"
	"iter"
	"runtime"
	"unsafe"

	"app/quern/internal/abi"
)

//go:wasmimport quern:llm/inference@0.1.0 [method]generation.blocking-read
func generationRead(generation uint32, result unsafe.Pointer)

//go:wasmimport quern:llm/inference@0.1.0 [method]generation.cancel
func generationCancel(generation uint32)

//go:wasmimport quern:llm/inference@0.1.0 [resource-drop]generation
func generationDrop(generation uint32)

// FinishReason is why an answer ended.
type FinishReason uint8

const (
	Stopped FinishReason = iota
	Length
	CalledTools
)

type Usage struct{ PromptTokens, CachedTokens, CompletionTokens uint32 }

// Timings are in milliseconds.
type Timings struct{ Queue, Prefill, Decode float64 }

// Reply is a whole answer.
type Reply struct {
	Text, Reasoning string
	ToolCalls       []ToolCall
	FinishReason    FinishReason
	Usage           Usage
	Timings         Timings
	Messages        []Message // the conversation with this answer, to go on from
}

// Stream is an answer on its way. Close cancels what is left.
type Stream struct {
	generation uint32
	isOpen     bool
	pieces     []string // read and not yet given
	reply      Reply
	finished   bool
	err        error
}

func (s *Stream) open(generation uint32) {
	s.generation, s.isOpen = generation, true
}

// All gives the pieces of the text as they come; leaving the loop early cancels what is left. An error is its last pair.
func (s *Stream) All() iter.Seq2[string, error] {
	return func(yield func(string, error) bool) {
		for {
			piece, more, err := s.Next()
			if !more && err == nil {
				return
			}
			if !yield(piece, err) || err != nil {
				s.Close()
				return
			}
		}
	}
}

// Next waits for the next piece of text; false at the end.
func (s *Stream) Next() (piece string, more bool, err error) {
	for len(s.pieces) == 0 && !s.finished && s.err == nil {
		s.read()
	}
	if len(s.pieces) == 0 {
		return "", false, s.err
	}
	piece, s.pieces = s.pieces[0], s.pieces[1:]
	return piece, true, nil
}

func (s *Stream) read() {
	if !s.isOpen {
		s.err = &Error{Cancelled, "the answer was closed before its end"}
		return
	}
	defer abi.Done()
	result := new(wireResult)
	generationRead(s.generation, unsafe.Pointer(result))
	if s.err = result.err(); s.err != nil {
		s.Close()
		return
	}
	events := at[abi.List[wireEvent]](result).Items()
	for i := range events {
		s.take(&events[i])
	}
	runtime.KeepAlive(result)
}

func (s *Stream) take(event *wireEvent) {
	payload := unsafe.Pointer(&event.payload)
	switch event.tag {
	case 0: // content
		s.pieces = append(s.pieces, (*abi.String)(payload).String())
		s.reply.Text += s.pieces[len(s.pieces)-1]
	case 1: // reasoning
		s.reply.Reasoning += (*abi.String)(payload).String()
	case 2: // tool-call
		delta := (*wireDelta)(payload)
		for len(s.reply.ToolCalls) <= int(delta.index) {
			s.reply.ToolCalls = append(s.reply.ToolCalls, ToolCall{})
		}
		call := &s.reply.ToolCalls[delta.index]
		call.ID += delta.id.Or(abi.String{}).String()
		call.Name += delta.name.Or(abi.String{}).String()
		call.Arguments += delta.arguments.String()
	case 4: // finished
		summary := (*wireSummary)(payload)
		s.reply.FinishReason, s.reply.Usage, s.reply.Timings = FinishReason(summary.reason), summary.usage, summary.times
		said := Message{Role: RoleAssistant, Content: s.reply.Text, ToolCalls: s.reply.ToolCalls}
		s.reply.Messages = append(s.reply.Messages, said)
		s.finished = true
		s.Close()
	}
}

// Whole waits for the whole answer.
func (s *Stream) Whole() (*Reply, error) {
	for {
		if _, more, err := s.Next(); err != nil {
			return nil, err
		} else if !more {
			return &s.reply, nil
		}
	}
}

// Value waits for the answer and reads its JSON into what `into` points to.
func (s *Stream) Value(into any) error {
	reply, err := s.Whole()
	if err != nil {
		return err
	}
	if reply.FinishReason == Length {
		return &Error{InvalidArgument, "the answer reached its length before it was whole; give it more MaxTokens"}
	}
	if err := json.Unmarshal([]byte(reply.Text), into); err != nil {
		return fmt.Errorf("the answer is not of the type that was asked for: %w", err)
	}
	return nil
}

// Cancel ends the answer early: what was made can still be read, and then the stream is at its end.
func (s *Stream) Cancel() {
	if s.isOpen {
		generationCancel(s.generation)
	}
}

// Close cancels what is left and frees it.
func (s *Stream) Close() {
	if s.isOpen {
		s.isOpen = false
		generationDrop(s.generation)
	}
}
