// Package export_wasi_http_incoming_handler is a wasi:http service made by Go and wit-bindgen: the
// same service as python/web.py and js/web.js. The generated bindings call it by this name.
package export_wasi_http_incoming_handler

import (
	"fmt"
	"io"
	"net/url"
	"strconv"
	"strings"

	. "go.bytecodealliance.org/pkg/wit/types"
	outgoing "wit_component/wasi_http_outgoing_handler"
	http "wit_component/wasi_http_types"
	streams "wit_component/wasi_io_streams"
)

const chunkBytes = 4096 // what one blocking write may carry

// sink is an answer that is being written.
type sink struct {
	body   *http.OutgoingBody
	stream *streams.OutputStream
}

func start(out *http.ResponseOutparam, status uint16) *sink {
	fields := http.MakeFields()
	fields.Append("content-type", []byte("text/plain"))
	response := http.MakeOutgoingResponse(fields)
	response.SetStatusCode(status)
	body := response.Body().Ok()
	http.ResponseOutparamSet(out, Ok[*http.OutgoingResponse, http.ErrorCode](response))
	return &sink{body, body.Write().Ok()}
}

func (s *sink) Write(text []byte) (int, error) {
	for rest := text; len(rest) > 0; {
		part := rest[:min(len(rest), chunkBytes)]
		if s.stream.BlockingWriteAndFlush(part).IsErr() {
			return len(text) - len(rest), io.ErrClosedPipe
		}
		rest = rest[len(part):]
	}
	return len(text), nil
}

func (s *sink) finish() {
	s.stream.Drop()
	http.OutgoingBodyFinish(s.body, None[*http.Fields]())
}

// source is a body that is being read.
type source struct{ stream *streams.InputStream }

func (s source) Read(into []byte) (int, error) {
	read := s.stream.BlockingRead(uint64(len(into)))
	if read.IsErr() {
		return 0, io.EOF
	}
	return copy(into, read.Ok()), nil
}

func respond(out *http.ResponseOutparam, status uint16, text string) {
	answer := start(out, status)
	fmt.Fprint(answer, text)
	answer.finish()
}

func fetch(out *http.ResponseOutparam, authority, path string) {
	request := http.MakeOutgoingRequest(http.MakeFields())
	request.SetScheme(Some(http.MakeSchemeHttp()))
	request.SetAuthority(Some(authority))
	request.SetPathWithQuery(Some(path))
	sent := outgoing.Handle(request, None[*http.RequestOptions]())
	if sent.IsErr() {
		respond(out, 502, fmt.Sprintf("error code %d\n", sent.Err().Tag()))
		return
	}
	future := sent.Ok()
	future.Subscribe().Block()
	got := future.Get().Some().Ok()
	if got.IsErr() {
		respond(out, 502, fmt.Sprintf("error code %d\n", got.Err().Tag()))
		return
	}
	answer := start(out, got.Ok().Status())
	io.Copy(answer, source{got.Ok().Consume().Ok().Stream().Ok()})
	answer.finish()
}

func Handle(request *http.IncomingRequest, out *http.ResponseOutparam) {
	target, err := url.Parse(request.PathWithQuery().SomeOr("/"))
	if err != nil {
		respond(out, 400, "no path\n")
		return
	}
	query := target.Query()
	switch target.Path {
	case "/hello":
		respond(out, 200, "hello from go\n")
	case "/echo":
		answer := start(out, 200)
		io.Copy(answer, source{request.Consume().Ok().Stream().Ok()})
		answer.finish()
	case "/count":
		lines, _ := strconv.Atoi(query.Get("n"))
		answer := start(out, 200)
		for line := range lines {
			fmt.Fprintf(answer, "line %d\n", line)
		}
		answer.finish()
	case "/header":
		var values []string
		for _, value := range request.Headers().Get(query.Get("name")) {
			values = append(values, string(value))
		}
		respond(out, 200, strings.Join(values, ",")+"\n")
	case "/fetch":
		path := query.Get("path")
		if path == "" {
			path = "/"
		}
		fetch(out, query.Get("authority"), path)
	case "/trap":
		panic("the guest gives up")
	case "/spin":
		for {
		}
	default:
		respond(out, 404, "no such path\n")
	}
}
