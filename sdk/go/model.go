// Package quern is language models for a guest: a program that runs inside Quern.
//
//	llm, err := quern.Open("default")
//	for piece, err := range llm.Stream(quern.Question{Messages: quern.User("What is a quern?")}).All() {
//		...
//	}
package quern

import (
	"runtime"
	"unsafe"

	"app/quern/internal/abi"
)

//go:wasmimport quern:llm/inference@0.1.0 [static]model.open
func modelOpen(name string, result unsafe.Pointer)

//go:wasmimport quern:llm/inference@0.1.0 [method]model.info
func modelInfo(model uint32, result unsafe.Pointer)

//go:wasmimport quern:llm/inference@0.1.0 [method]model.chat
func modelChat(arguments, result unsafe.Pointer)

//go:wasmimport quern:llm/inference@0.1.0 [method]model.embed
func modelEmbed(model, texts, count uint32, result unsafe.Pointer)

// Role is who speaks.
type Role uint8

const (
	RoleSystem Role = iota
	RoleDeveloper
	RoleUser
	RoleAssistant
	RoleTool
)

// ToolCall is a call that the model wants made; Arguments is a JSON object.
type ToolCall struct{ ID, Name, Arguments string }

type Message struct {
	Role       Role
	Content    string
	ToolCalls  []ToolCall // of the assistant
	ToolCallID string     // of a tool's answer
}

// User is a conversation of one message.
func User(text string) []Message { return []Message{{Role: RoleUser, Content: text}} }

// Sampling is how tokens are drawn and when to stop; nil takes the model's default: Sampling{Seed: quern.Is[uint32](7)}.
type Sampling struct {
	MaxTokens                         *uint32
	Temperature                       *float32
	TopK                              *uint32
	TopP, MinP                        *float32
	RepeatPenalty                     *float32
	RepeatLastN                       *uint32
	PresencePenalty, FrequencyPenalty *float32
	Seed                              *uint32
	LogitBias                         map[uint32]float32
	Stop                              []string
	TimeoutMS                         *uint32
}

// Is makes a value for a member of Sampling.
func Is[T any](value T) *T { return &value }

// Question is what a model is asked.
type Question struct {
	Messages  []Message
	Sampling  Sampling
	Schema    string // JSON Schema that the answer is forced into; SchemaOf makes one of a type
	Tools     []Tool
	MaxRounds int // answers that may call tools; the next has to do without. 8 unless said
}

// Info is what the host says of a model.
type Info struct {
	Name, Architecture                         string
	Parameters, SizeBytes                      uint64
	ContextTokens, EmbeddingLength, Vocabulary uint32
	Chat                                       bool
	Digest                                     string
	Created                                    uint64 // seconds since 1970
}

// Model is a model that the host lends.
type Model struct{ handle uint32 }

// Open gives a model by the name it was granted under; "default" is the first.
func Open(name string) (*Model, error) {
	defer abi.Done()
	result := new(wireResult)
	modelOpen(name, unsafe.Pointer(result))
	if err := result.err(); err != nil {
		return nil, err
	}
	return &Model{*at[uint32](result)}, nil
}

func (m *Model) Info() Info {
	defer abi.Done()
	info := new(wireInfo)
	modelInfo(m.handle, unsafe.Pointer(info))
	return Info{
		info.name.String(), info.architecture.String(), info.parameters, info.sizeBytes, info.contextTokens,
		info.embeddingLength, info.vocabulary, info.chat, info.digest.Or(abi.String{}).String(), info.created,
	}
}

// Embed gives one vector of length 1 per text: the dot product of two is their cosine.
func (m *Model) Embed(texts ...string) ([][]float32, error) {
	defer abi.Done()
	words := make([]abi.String, len(texts)+1)
	for i, text := range texts {
		words[i] = abi.LowerString(text)
	}
	result := new(wireResult)
	modelEmbed(m.handle, abi.Address(unsafe.Pointer(&words[0])), uint32(len(texts)), unsafe.Pointer(result))
	runtime.KeepAlive(words)
	if err := result.err(); err != nil {
		return nil, err
	}
	var vectors [][]float32
	for _, vector := range at[abi.List[abi.List[float32]]](result).Items() {
		vectors = append(vectors, append([]float32(nil), vector.Items()...))
	}
	return vectors, nil
}

// Stream begins an answer. Calls of tools are not made: they stand in the stream's reply.
func (m *Model) Stream(question Question) *Stream {
	return m.begin(&question, choiceAuto)
}

func (m *Model) begin(question *Question, choice uint8) *Stream {
	defer abi.Done()
	arguments := &struct {
		model    uint32
		messages abi.List[wireMessage]
		options  wireOptions
	}{m.handle, lowerMessages(question.Messages), lowerOptions(question, choice)}
	result := new(wireResult)
	modelChat(unsafe.Pointer(arguments), unsafe.Pointer(result))
	stream := &Stream{err: result.err()}
	stream.reply.Messages = append(stream.reply.Messages, question.Messages...)
	if stream.err == nil {
		stream.open(*at[uint32](result))
	}
	return stream
}

// Ask waits for the whole answer, and calls the tools that the model asks for.
func (m *Model) Ask(question Question) (*Reply, error) {
	rounds := question.MaxRounds
	if rounds == 0 {
		rounds = 8
	}
	for ; rounds >= 0; rounds-- {
		choice := uint8(choiceAuto)
		if rounds == 0 {
			choice = choiceNone
		}
		reply, err := m.begin(&question, choice).Whole()
		if err != nil || len(reply.ToolCalls) == 0 || len(question.Tools) == 0 {
			return reply, err
		}
		question.Messages = reply.Messages
		for _, call := range reply.ToolCalls {
			answer, err := callOne(question.Tools, call)
			if err != nil {
				return nil, err
			}
			question.Messages = append(question.Messages, Message{Role: RoleTool, Content: answer, ToolCallID: call.ID})
		}
	}
	return nil, &Error{Internal, "the model called a tool when it might not"}
}
