// Package filter is quern:log for a filter in a pipeline: functions that are asked.
//
//	func init() { filter.Handle(configure, process) }
//
//	func process(event *filter.Event) (filter.Outcome, error) {
//		if event.Body["level"] == "debug" {
//			return filter.Drop, nil
//		}
//		return filter.Keep, nil
//	}
package filter

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"unsafe"

	"app/quern/internal/abi"
)

//go:wasmimport quern:log/metrics@0.1.0 count
func metricsCount(name string, by uint64)

//go:wasmimport quern:log/metrics@0.1.0 gauge
func metricsGauge(name string, value float64)

// Body is a JSON object. Numbers are json.Number, which keeps them as they came.
type Body map[string]any

// Event is a record on its way. Times are since 1970.
type Event struct {
	Tag         string // where it goes: of an event that the filter makes it may be another
	Seconds     uint64
	Nanoseconds uint32
	Body        Body
	Metadata    *string // a JSON object; most events have none
}

// With is another body with this one's tag, time and metadata.
func (e *Event) With(body Body) Event {
	made := *e
	made.Body = body
	return made
}

// Clone is a copy whose members may be set.
func (b Body) Clone() Body { return maps.Clone(b) }

func (b Body) String() string {
	var text bytes.Buffer
	encoder := json.NewEncoder(&text)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(map[string]any(b)); err != nil {
		panic(err) // a value that is no JSON: a function, a channel
	}
	return string(bytes.TrimRight(text.Bytes(), "\n"))
}

// Outcome is what becomes of an event.
type Outcome struct {
	tag    uint8
	text   string
	events []Event
}

var (
	Keep = Outcome{tag: 0}
	Drop = Outcome{tag: 1}
)

// Change is the same event with this body.
func Change(body Body) Outcome { return Outcome{tag: 2, text: body.String()} }

// Replace is these in its place; none is the same as Drop.
func Replace(events []Event) Outcome { return Outcome{tag: 3, events: events} }

// Dead goes to the filter's dead letters, with this reason.
func Dead(reason string) Outcome { return Outcome{tag: 4, text: reason} }

// Count adds to a counter of the filter's own.
func Count(name string, by uint64) { metricsCount(name, by) }

// Gauge says how much there is of something now.
func Gauge(name string, value float64) { metricsGauge(name, value) }

var (
	configureWith func(map[string]string) error
	processOne    func(*Event) (Outcome, error)
)

// Handle names the functions of this filter; for an init function. An error of the first is for whoever wrote the options,
// and the pipeline does not start. An event at which the second fails is a dead letter, with the error as its reason.
func Handle(configure func(options map[string]string) error, process func(event *Event) (Outcome, error)) {
	configureWith, processOne = configure, process
}

// The contract's records as they lie in memory; wit/deps/quern-log/log.wit names them.

type wireEvent struct {
	seconds     uint64
	nanoseconds uint32
	body        abi.String
	metadata    abi.Option[abi.String]
}

type wireNewEvent struct {
	tag         abi.Option[abi.String]
	seconds     uint64
	nanoseconds uint32
	body        abi.String
	metadata    abi.Option[abi.String]
}

type wireOutcome struct {
	tag   uint8
	value abi.String // or a list, which looks the same
}

type wirePair struct{ name, value abi.String }

// What a function gives back through memory; kept until the host has read it.
type wireResult struct {
	failed uint32
	text   abi.String
}

//go:wasmexport quern:log/filter@0.1.0#configure
func configure(pointer unsafe.Pointer, length uint32) unsafe.Pointer {
	options := map[string]string{}
	for _, pair := range unsafe.Slice((*wirePair)(pointer), length) {
		options[pair.name.String()] = pair.value.String()
	}
	abi.Done()
	result := new(wireResult)
	if err := configureWith(options); err != nil {
		*result = wireResult{1, abi.LowerString(err.Error())}
	}
	return abi.Keep(result)
}

//go:wasmexport cabi_post_quern:log/filter@0.1.0#configure
func configured(unsafe.Pointer) { abi.Done() }

//go:wasmexport quern:log/filter@0.1.0#process
func process(tagPointer unsafe.Pointer, tagLength uint32, pointer unsafe.Pointer, length uint32) unsafe.Pointer {
	tag := string(unsafe.Slice((*byte)(tagPointer), tagLength))
	given := make([]Event, length)
	texts := make([][]byte, length)
	for i, event := range unsafe.Slice((*wireEvent)(pointer), length) {
		given[i] = Event{Tag: tag, Seconds: event.seconds, Nanoseconds: event.nanoseconds, Metadata: liftText(event.metadata.Get())}
		texts[i] = event.body.Bytes()
	}
	abi.Done()
	outcomes := make([]Outcome, length)
	for i := range given {
		outcomes[i] = outcomeOf(&given[i], texts[i])
	}
	// Only now: what the functions asked of the host has used the same memory.
	wires := make([]wireOutcome, length)
	for i := range outcomes {
		wires[i] = outcomes[i].lower(tag)
	}
	result := new(abi.List[wireOutcome])
	*result = abi.LowerList(wires)
	return abi.Keep(result)
}

//go:wasmexport cabi_post_quern:log/filter@0.1.0#process
func processed(unsafe.Pointer) { abi.Done() }

func outcomeOf(event *Event, text []byte) Outcome {
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.UseNumber()
	if err := decoder.Decode(&event.Body); err != nil {
		return Dead(fmt.Sprintf("the body: %v", err))
	}
	outcome, err := processOne(event)
	if err != nil {
		return Dead(err.Error())
	}
	return outcome
}

func (o *Outcome) lower(tag string) wireOutcome {
	if o.tag != 3 {
		return wireOutcome{o.tag, abi.LowerString(o.text)}
	}
	events := make([]wireNewEvent, len(o.events))
	for i, event := range o.events {
		events[i] = wireNewEvent{
			seconds: event.Seconds, nanoseconds: event.Nanoseconds,
			body: abi.LowerString(event.Body.String()), metadata: lowerText(event.Metadata),
		}
		if event.Tag != tag {
			events[i].tag = lowerText(&event.Tag)
		}
	}
	list := abi.LowerList(events)
	return wireOutcome{o.tag, *(*abi.String)(unsafe.Pointer(&list))}
}

func liftText(text *abi.String) *string {
	if text == nil {
		return nil
	}
	lifted := text.String()
	return &lifted
}

func lowerText(text *string) abi.Option[abi.String] {
	if text == nil {
		return abi.Option[abi.String]{}
	}
	return abi.Some(abi.LowerString(*text))
}
