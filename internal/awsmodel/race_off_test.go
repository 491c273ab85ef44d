//go:build !race

package awsmodel_test

const underRace = false
