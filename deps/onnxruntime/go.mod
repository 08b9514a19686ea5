// Not a program: names the module whose C header of ONNX Runtime the build reads, so that go.sum pins
// it by hash. deps/onnxruntime/headers.sh copies that header.
module quern/deps/onnxruntime

go 1.21

require github.com/yalue/onnxruntime_go v1.27.0
