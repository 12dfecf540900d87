// SPDX-License-Identifier: Apache-2.0

package main

import "slices"

// An item is a piece of work to measure.
type item struct {
	name  string
	work  float64 // work of one run, in units
	unit  string
	flops float64 // operations of the matrix products in one run, to compare with the ceiling; 0 if not relevant
	cores int     // maximum number of cores; 0 for all

	// setup prepares the data and returns the function to time. dir is an empty folder for files.
	setup  func(workers int, dir string) (run func(), err error)
	folder string // dir, while the item is measured

	peers []string // names of the scripts, peers/NAME_peer.py, that contain the item
	runs  float64  // runs of a peer that correspond to one of this item; 0 means 1
	twice *pair    // set if two processes of a peer share the work
	gonum func() func()
}

// A pair is an item that two processes of a peer run concurrently, so that each has its own core.
type pair struct {
	item string  // item that each process runs
	runs float64 // number of such runs that correspond to one of this item
}

// items lists everything to measure.
func items() []item {
	return slices.Concat(
		products(),
		kernels(),
		steps(),
		zeros(),
		sweeps(),
		convolutions(),
		mixtures(),
		normalisations(),
		competitions(),
		machines(),
		winners(),
		searches(),
		codings(),
		overheads(),
		files(),
	)
}

// ready turns a function that cannot fail into the setup of an item without files.
func ready(setup func(workers int) func()) func(int, string) (func(), error) {
	return func(workers int, _ string) (func(), error) { return setup(workers), nil }
}
