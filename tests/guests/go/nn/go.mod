module quern.test/nn

go 1.24
