module quern.test/conformance

go 1.25
