package quern

import (
	"fmt"
	"unsafe"

	"app/quern/internal/abi"
)

// quern:llm's records and variants as they lie in memory; wit/deps/quern-llm/llm.wit names them.

type wireError struct {
	tag   uint8
	first uint32 // a text's pointer, or a number
	next  uint32
}

// Kind is the case of the contract's error.
type Kind uint8

const (
	InvalidArgument Kind = iota
	ModelNotFound
	PermissionDenied
	ContextFull
	Overloaded
	BudgetExhausted
	DeadlineExceeded
	Cancelled
	Unsupported
	Internal
)

// Error is what the host could not do.
type Error struct {
	Kind Kind
	Text string // for people
}

func (e *Error) Error() string { return e.Text }

func (w *wireError) lift() error {
	kind, text := Kind(w.tag), ""
	switch kind {
	case ContextFull:
		text = fmt.Sprintf("the prompt has %d tokens, the model's context %d", w.first, w.next)
	case Overloaded:
		text = fmt.Sprintf("the model is busy; try again in %d ms", w.first)
	case DeadlineExceeded:
		text = "the answer took longer than it was given"
	case Cancelled:
		text = "the answer was cancelled"
	default:
		text = (*(*abi.String)(unsafe.Pointer(&w.first))).String()
	}
	return &Error{kind, text}
}

// A result whose good case is at most twelve bytes: a handle, a list, a list and a number.
type wireResult struct {
	failed bool
	value  wireError // as wide as any of them
}

func at[T any](result *wireResult) *T { return (*T)(unsafe.Pointer(&result.value)) }

func (r *wireResult) err() error {
	if !r.failed {
		return nil
	}
	return r.value.lift()
}

// A variant with texts: part, response-format, tool-choice.
type wireVariant struct {
	tag  uint8
	text abi.String
}

type wirePart struct {
	wireVariant
	data abi.String // of an image or a sound
}

type wireCall struct{ id, name, arguments abi.String }

type wireMessage struct {
	role       uint8
	content    abi.List[wirePart]
	name       abi.Option[abi.String]
	reasoning  abi.Option[abi.String]
	toolCalls  abi.List[wireCall]
	toolCallID abi.Option[abi.String]
}

type wireTool struct{ name, description, parameters abi.String }

type wireBias struct {
	token uint32
	bias  float32
}

type wireSampling struct {
	maxTokens        abi.Option[uint32]
	temperature      abi.Option[float32]
	topK             abi.Option[uint32]
	topP             abi.Option[float32]
	minP             abi.Option[float32]
	repeatPenalty    abi.Option[float32]
	repeatLastN      abi.Option[uint32]
	presencePenalty  abi.Option[float32]
	frequencyPenalty abi.Option[float32]
	seed             abi.Option[uint32]
	logitBias        abi.List[wireBias]
	stop             abi.List[abi.String]
	logprobs         abi.Option[uint32]
	timeoutMS        abi.Option[uint32]
}

type wireOptions struct {
	sampling          wireSampling
	format            wireVariant
	tools             abi.List[wireTool]
	toolChoice        wireVariant
	parallelToolCalls bool
	enableThinking    abi.Option[bool]
}

type wireEvent struct {
	tag     uint8
	_       [7]byte
	payload [40]byte
}

type wireDelta struct {
	index     uint32
	id        abi.Option[abi.String]
	name      abi.Option[abi.String]
	arguments abi.String
}

type wireSummary struct {
	reason uint8
	usage  Usage
	times  Timings
}

type wireInfo struct {
	name, architecture                         abi.String
	parameters, sizeBytes                      uint64
	contextTokens, embeddingLength, vocabulary uint32
	chat                                       bool
	digest                                     abi.Option[abi.String]
	created                                    uint64
}

func lowerMessages(messages []Message) abi.List[wireMessage] {
	var words []wireMessage
	for _, message := range messages {
		var calls []wireCall
		for _, call := range message.ToolCalls {
			calls = append(calls, wireCall{abi.LowerString(call.ID), abi.LowerString(call.Name), abi.LowerString(call.Arguments)})
		}
		word := wireMessage{
			role:      uint8(message.Role),
			content:   abi.LowerList([]wirePart{{wireVariant: wireVariant{text: abi.LowerString(message.Content)}}}),
			toolCalls: abi.LowerList(calls),
		}
		if message.ToolCallID != "" {
			word.toolCallID = abi.Some(abi.LowerString(message.ToolCallID))
		}
		words = append(words, word)
	}
	return abi.LowerList(words)
}

func lowerSampling(sampling *Sampling) wireSampling {
	var bias []wireBias
	for token, value := range sampling.LogitBias {
		bias = append(bias, wireBias{token, value})
	}
	var stop []abi.String
	for _, text := range sampling.Stop {
		stop = append(stop, abi.LowerString(text))
	}
	return wireSampling{
		maxTokens: abi.LowerOption(sampling.MaxTokens), temperature: abi.LowerOption(sampling.Temperature),
		topK: abi.LowerOption(sampling.TopK), topP: abi.LowerOption(sampling.TopP), minP: abi.LowerOption(sampling.MinP),
		repeatPenalty: abi.LowerOption(sampling.RepeatPenalty), repeatLastN: abi.LowerOption(sampling.RepeatLastN),
		presencePenalty:  abi.LowerOption(sampling.PresencePenalty),
		frequencyPenalty: abi.LowerOption(sampling.FrequencyPenalty),
		seed:             abi.LowerOption(sampling.Seed), logitBias: abi.LowerList(bias), stop: abi.LowerList(stop),
		timeoutMS: abi.LowerOption(sampling.TimeoutMS),
	}
}

const (
	formatText       = 0
	formatJSONSchema = 2
	choiceAuto       = 0
	choiceNone       = 1
)

func lowerOptions(question *Question, choice uint8) wireOptions {
	format := wireVariant{tag: formatText}
	if question.Schema != "" {
		format = wireVariant{formatJSONSchema, abi.LowerString(question.Schema)}
	}
	var tools []wireTool
	for _, tool := range question.Tools {
		tools = append(tools, wireTool{abi.LowerString(tool.name), abi.LowerString(tool.description), abi.LowerString(tool.parameters)})
	}
	return wireOptions{
		sampling: lowerSampling(&question.Sampling), format: format, tools: abi.LowerList(tools),
		toolChoice: wireVariant{tag: choice}, parallelToolCalls: true,
	}
}
