module quern.test/filter

go 1.24
