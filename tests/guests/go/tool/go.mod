module quern.test/tool

go 1.24
