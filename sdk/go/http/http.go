// Package http is wasi:http for a service that answers with text: one request, one answer, in pieces.
//
//	func init() { http.Handle(answer) }
//
//	func answer(request *http.Request, response *http.Response) error {
//		response.Start(200, "text/plain")
//		return response.Write("hello")
//	}
package http

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"
	"unicode/utf8"
	"unsafe"

	"app/quern"
	"app/quern/internal/abi"
)

//go:wasmimport wasi:http/types@0.2.12 [method]incoming-request.method
func requestMethod(request uint32, result unsafe.Pointer)

//go:wasmimport wasi:http/types@0.2.12 [method]incoming-request.path-with-query
func requestPath(request uint32, result unsafe.Pointer)

//go:wasmimport wasi:http/types@0.2.12 [method]incoming-request.consume
func requestConsume(request uint32, result unsafe.Pointer)

//go:wasmimport wasi:http/types@0.2.12 [method]incoming-body.stream
func bodyStream(body uint32, result unsafe.Pointer)

//go:wasmimport wasi:io/streams@0.2.12 [method]input-stream.blocking-read
func inputRead(stream uint32, most uint64, result unsafe.Pointer)

//go:wasmimport wasi:io/streams@0.2.12 [resource-drop]input-stream
func inputDrop(stream uint32)

//go:wasmimport wasi:http/types@0.2.12 [constructor]fields
func newFields() uint32

//go:wasmimport wasi:http/types@0.2.12 [method]fields.append
func fieldsAppend(fields uint32, name, value string, result unsafe.Pointer)

//go:wasmimport wasi:http/types@0.2.12 [constructor]outgoing-response
func newResponse(fields uint32) uint32

//go:wasmimport wasi:http/types@0.2.12 [method]outgoing-response.set-status-code
func responseSetStatus(response, status uint32) uint32

//go:wasmimport wasi:http/types@0.2.12 [method]outgoing-response.body
func responseBody(response uint32, result unsafe.Pointer)

//go:wasmimport wasi:http/types@0.2.12 [static]response-outparam.set
func outparamSet(out, failed, response, _ uint32, _ uint64, _, _, _, _ uint32)

//go:wasmimport wasi:http/types@0.2.12 [method]outgoing-body.write
func bodyWrite(body uint32, result unsafe.Pointer)

//go:wasmimport wasi:http/types@0.2.12 [static]outgoing-body.finish
func bodyFinish(body, hasTrailers, trailers uint32, result unsafe.Pointer)

//go:wasmimport wasi:io/streams@0.2.12 [method]output-stream.blocking-write-and-flush
func outputWrite(stream uint32, text string, result unsafe.Pointer)

//go:wasmimport wasi:io/streams@0.2.12 [resource-drop]output-stream
func outputDrop(stream uint32)

//go:wasmimport wasi:http/types@0.2.12 [resource-drop]outgoing-body
func bodyDrop(body uint32)

const chunk = 4096 // bytes that one blocking write may carry, as wasi:io says

// Refused is an answer that is an error: its HTTP status, and a text for people.
type Refused struct {
	Status int
	Text   string
}

func (r *Refused) Error() string { return r.Text }

// ErrClientGone says that nobody reads any more.
var ErrClientGone = errors.New("the client is gone")

// A result or an option whose good case is a handle or a list, and an error of at most eight bytes.
type outcome struct {
	tag   uint32
	value [2]uint32
}

func (o *outcome) text() string { return (*(*abi.String)(unsafe.Pointer(&o.value))).String() }

type Request struct{ handle uint32 }

var methods = [...]string{"GET", "HEAD", "POST", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH"}

func (r *Request) Method() string {
	defer abi.Done()
	result := new(outcome)
	requestMethod(r.handle, unsafe.Pointer(result))
	if tag := uint8(result.tag); int(tag) < len(methods) {
		return methods[tag]
	}
	return result.text()
}

func (r *Request) Path() string {
	defer abi.Done()
	result := new(outcome)
	requestPath(r.handle, unsafe.Pointer(result))
	if uint8(result.tag) == 0 {
		return "/"
	}
	path, _, _ := strings.Cut(result.text(), "?")
	return path
}

// Text is the whole body. Refused when it has more than `limit` bytes, breaks off, or is no UTF-8.
func (r *Request) Text(limit int) (string, error) {
	broken := &Refused{400, "the request's body broke off"}
	body, stream := new(outcome), new(outcome)
	if requestConsume(r.handle, unsafe.Pointer(body)); uint8(body.tag) != 0 {
		return "", broken
	}
	if bodyStream(body.value[0], unsafe.Pointer(stream)); uint8(stream.tag) != 0 {
		return "", broken
	}
	defer inputDrop(stream.value[0])
	var text []byte
	for {
		more, ended, ok := readOne(stream.value[0])
		if !ok {
			return "", broken
		}
		if ended {
			break
		}
		if text = append(text, more...); len(text) > limit {
			return "", &Refused{413, fmt.Sprintf("the request's body is larger than %d bytes", limit)}
		}
	}
	if !utf8.Valid(text) {
		return "", &Refused{400, "the request's body is not UTF-8"}
	}
	return string(text), nil
}

func readOne(stream uint32) (more []byte, ended, ok bool) {
	defer abi.Done()
	result := new(outcome)
	inputRead(stream, chunk, unsafe.Pointer(result))
	if uint8(result.tag) == 0 {
		return []byte(result.text()), false, true
	}
	const closed = 1
	return nil, true, uint8(result.value[0]) == closed
}

type Response struct {
	out, body, stream uint32
	started           bool
}

func (r *Response) Started() bool { return r.started }

func (r *Response) Start(status int, contentType string) {
	result := new([32]uint64) // room for every error that is not looked at
	fields := newFields()
	fieldsAppend(fields, "content-type", contentType, unsafe.Pointer(result))
	response := newResponse(fields)
	responseSetStatus(response, uint32(status))
	body, stream := new(outcome), new(outcome)
	responseBody(response, unsafe.Pointer(body))
	outparamSet(r.out, 0, response, 0, 0, 0, 0, 0, 0)
	bodyWrite(body.value[0], unsafe.Pointer(stream))
	r.body, r.stream, r.started = body.value[0], stream.value[0], true
}

// Write sends it now. ErrClientGone when nobody reads any more.
func (r *Response) Write(text string) error {
	for len(text) > 0 {
		part := text[:min(chunk, len(text))]
		text = text[len(part):]
		result := new(outcome)
		if outputWrite(r.stream, part, unsafe.Pointer(result)); uint8(result.tag) != 0 {
			return ErrClientGone
		}
	}
	return nil
}

func (r *Response) finish() {
	outputDrop(r.stream)
	bodyFinish(r.body, 0, 0, unsafe.Pointer(new([32]uint64)))
}

// A body that is dropped before it is finished tells the client that the answer broke off.
func (r *Response) breakOff() {
	outputDrop(r.stream)
	bodyDrop(r.body)
}

var answer func(*Request, *Response) error

// Handle names the function that answers requests; for an init function, as each request has an instance of its own.
func Handle(function func(*Request, *Response) error) { answer = function }

var statuses = map[quern.Kind]int{
	quern.InvalidArgument: 400, quern.PermissionDenied: 403, quern.ModelNotFound: 404, quern.ContextFull: 413,
	quern.Overloaded: 503, quern.BudgetExhausted: 503, quern.DeadlineExceeded: 504,
}

func statusOf(problem error) int {
	var refused *Refused
	var host *quern.Error
	if errors.As(problem, &refused) {
		return refused.Status
	}
	if errors.As(problem, &host) && statuses[host.Kind] != 0 {
		return statuses[host.Kind]
	}
	return 500
}

//go:wasmexport wasi:http/incoming-handler@0.2.12#handle
func handle(request, out uint32) {
	response := &Response{out: out}
	problem := answer(&Request{request}, response)
	switch {
	case problem == nil:
		response.finish()
	case response.started:
		// Too late to say it: the client sees that the answer broke off, the host's log says why.
		fmt.Fprintln(os.Stderr, problem)
		response.breakOff()
	default:
		response.Start(statusOf(problem), "application/json")
		text, _ := json.Marshal(map[string]string{"error": problem.Error()})
		if response.Write(string(text)) == nil {
			response.finish()
		}
	}
}
