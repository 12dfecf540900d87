// SPDX-License-Identifier: Apache-2.0

package main

import "slices"

// An item is a piece of work to measure.
type item struct {
	name  string
	work  float64 // what one run does, in units
	unit  string
	flops float64 // operations of its matrix products in one run, for the share of the ceiling; 0 where others count
	cores int     // how many it can use at most; 0: all

	// setup prepares the data and returns the function to time. dir is an empty folder for files.
	setup func(workers int, dir string) (run func(), err error)

	peers []string // the scripts, peers/NAME_peer.py, that know the item by name
	runs  float64  // of a peer, that make one of ours; 0 is one
	twice *pair    // set where two processes of a peer share the work
	gonum func() func()
}

// A pair is an item that two processes of a peer do at once, so that each has a core to itself.
type pair struct {
	item string  // what each of them runs
	runs float64 // how many such runs make one of ours
}

// items lists everything there is to measure.
func items() []item {
	return slices.Concat(
		products(),
		kernels(),
		steps(),
		zeros(),
		sweeps(),
		convolutions(),
		mixtures(),
		competitions(),
		searches(),
		overheads(),
		files(),
	)
}

// ready turns a function that cannot fail into the setup of an item that uses no files.
func ready(setup func(workers int) func()) func(int, string) (func(), error) {
	return func(workers int, _ string) (func(), error) { return setup(workers), nil }
}
