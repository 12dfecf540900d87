// SPDX-License-Identifier: Apache-2.0

// Package sparsecode represents patches of images by few atoms of a dictionary, and learns the dictionary.
//
// A patch x of P pixels is approximated by a linear combination of K atoms, the rows of Phi [K, P] [Thesis21, eq. 1.2]:
//
//	x ~ a Phi,   a [K] with few elements that are not zero
//
// An [Encoder] finds the codes of a batch of patches:
//
//	[MatchingPursuit], [OMP]     greedily, one atom at a time
//	[ISTA], [FISTA],             minimise 1/2 |x - a Phi|² + lambda sum_i |a_i|, the lasso
//	[CoordinateDescent]
//	[SparseSet]                  minimises 1/2 |x - a Phi|² + lambda |a|_0, as well as a pursuit can
//	[LCA]                        neurons that inhibit one another; settles at the lasso's solution, or at a harder one
//	[Sparsenet]                  minimises 1/2 |x - a Phi|² + lambda sum_i S(a_i/sigma) for smooth costs S
//
// The document's objective, |x - a Phi|² + lambda S [Thesis21, eq. 1.21], is twice this one: its lambda is twice the
// lambda here.
//
// Two learners of package train fit the dictionary to the codes, [OlshausenField] by the gradient and [Online] from
// statistics of all patches seen:
//
//	d := sparsecode.RandomDictionary(256, seed, 16, 16)
//	learner := &sparsecode.Online{Dictionary: d, Encoder: &sparsecode.CoordinateDescent{Lambda: 0.5}}
//	history, err := train.Run(ctx, train.Config{Learner: learner, Train: patches, Epochs: 2, BatchSize: 500})
//
// [FitGabors] describes learnt atoms as receptive fields, by place, orientation, frequency and size.
//
// Products run on float32, all patches at once, on the Gram matrix Phi Phi^T. The code of a patch does not depend on
// the other patches of its batch, nor on the number of workers.
//
// # Bad input
//
// Whatever has the wrong size or is out of range comes from data or from settings, so it is an error and not a panic.
// It is found before any work is done and names the first patch, pixel, atom or setting at fault. Pixels must be
// finite. A patch of zeros has the code zero; a patch of any other constant is refused, because the mean is to be
// removed before.
package sparsecode
