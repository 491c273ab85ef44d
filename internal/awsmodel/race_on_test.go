//go:build race

package awsmodel_test

// underRace tells that the race detector is on, under which everything takes ten times as
// long. Tests that read all models one after the other, where there is nothing to
// race, take every sixteenth service then.
const underRace = true
