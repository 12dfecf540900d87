// SPDX-License-Identifier: Apache-2.0

package lcn15

// ReLUNet returns the network of figures 3 and 4 and of the first row of table 1: three layers of 1000 rectified linear
// units, no dropout, trained until the validation error has not fallen for ten epochs [LCN15, sections 3.1 to 3.3]. The
// document does not describe the training further: the rate, momentum and initial weights are ours. With larger initial
// weights, such as those of nn.He, the activity of units changes less during training, and the nearest submask makes
// more errors.
func ReLUNet() Setting {
	return Setting{
		Competition: ReLU, Hidden: []Layer{{Units: 1000}, {Units: 1000}, {Units: 1000}},
		Init: 0.02, Rate: 0.1, FinalRate: 0.001, Momentum: 0.9, FinalMomentum: 0.9, Batch: 100,
		Epochs: 25, Patience: 10,
	}
}

// LWTANet returns the network of the second row of table 1: blocks of two units, with dropout. The document gives no
// further details. The three layers of 1000 units and the initial weights are those of the first row; the rest is ours,
// chosen by validation error. More dropout of hidden units, or a smaller rate, needs many more epochs to reach the same
// error. Weights initialised as large as those of nn.He hardly grow, so the winner of a block still depends on the
// random initial weights, and the nearest submask makes more errors than the softmax.
func LWTANet() Setting {
	return Setting{
		Competition: LWTA,
		Hidden: []Layer{
			{Units: 1000, Block: 2, Dropout: 0.2, MaxNorm: 2},
			{Units: 1000, Block: 2, Dropout: 0.3, MaxNorm: 2},
			{Units: 1000, Block: 2, Dropout: 0.3, MaxNorm: 2}},
		Out:  Layer{Dropout: 0.3, MaxNorm: 2},
		Init: 0.02, Rate: 0.03, FinalRate: 0.0003, LinearDecay: true,
		Momentum: 0.9, FinalMomentum: 0.9, Batch: 100, Epochs: 36,
	}
}

// MaxoutNet returns the network of the third row of table 1: two layers of 240 blocks of five units, with dropout and a
// max-norm constraint, fine-tuned with the validation images included [LCN15, section 3.3; GWMCB13, section 5.1]. The
// initial weights, dropout and max-norms are those of the program behind [GWMCB13]. That program trains for hundreds of
// epochs at a rate that hardly decays, with a momentum of 0.5 to 0.7. This setting trains for fewer epochs, at a rate
// that decays to nearly 0, with more momentum. With the program's momentum, fewer epochs left the weights small, and
// the nearest submask made more errors. The same happened with less than half as many epochs.
func MaxoutNet() Setting {
	return Setting{
		Competition: Maxout,
		Hidden: []Layer{
			{Units: 1200, Block: 5, Dropout: 0.2, NoRescale: true, MaxNorm: 1.9365},
			{Units: 1200, Block: 5, Dropout: 0.5, MaxNorm: 1.9365}},
		Out:  Layer{Dropout: 0.5, MaxNorm: 1.9365},
		Init: 0.005, Rate: 0.05, FinalRate: 0.0005, LinearDecay: true,
		Momentum: 0.9, FinalMomentum: 0.9, Batch: 100, Epochs: 84,
		FinetuneEpochs: 16, FinetuneRate: 0.02,
	}
}

// DropoutNet returns the network of section 3.4 with or without dropout: three layers of 800 rectified linear units.
// For the same seed, both start from the same weights [LCN15]. Without dropout, training ends when the validation error
// has not fallen for ten epochs. The rates and epochs are ours.
func DropoutNet(dropout bool) Setting {
	s := ReLUNet()
	for i := range s.Hidden {
		s.Hidden[i].Units = 800
	}
	if dropout {
		for i := range s.Hidden {
			s.Hidden[i].Dropout = 0.5
		}
		s.Hidden[0].Dropout, s.Out.Dropout = 0.2, 0.5
		s.FinalRate, s.LinearDecay, s.Patience = 0.0005, true, 0
	}
	return s
}

// ConvNet returns the convolutional maxout network for digits of [GWMCB13], which section 3.3 reproduces. Its codes
// have one active bit for each of 24 blocks at each of 6 x 6 positions. The number of maps is divided by width; 1 keeps
// the document's number. Networks with fewer maps get larger initial weights, because training would not start
// otherwise.
func ConvNet(width int) Setting {
	return Setting{
		Competition: Maxout,
		Hidden: []Layer{
			{Units: 96 / width, Block: 2, Kernel: 8, Pool: 4, PoolStride: 2, PoolPad: 1,
				Dropout: 0.2, NoRescale: true, MaxNorm: 0.9},
			{Units: 96 / width, Block: 2, Kernel: 8, Pad: 3, Pool: 4, PoolStride: 2, PoolPad: 1,
				Dropout: 0.5, MaxNorm: 1.9365},
			{Units: 96, Block: 4, Kernel: 5, Pad: 3, Pool: 2, PoolStride: 2, Dropout: 0.5, MaxNorm: 1.9365}},
		Out:  Layer{Dropout: 0.5, MaxNorm: 1.9365},
		Init: 0.005 * float64(width), Rate: 0.05, FinalRate: 0.0005, LinearDecay: true,
		Momentum: 0.5, FinalMomentum: 0.7, Batch: 128, Epochs: 250,
	}
}

// PhotoNet returns the network of table 2, which is that of [GWMCB13], for CIFAR-10 or, with 100 classes, CIFAR-100.
// Images are normalised for contrast and whitened beforehand, and shifted and mirrored during training. Its codes are
// those of the fully connected layer.
func PhotoNet() Setting {
	return Setting{
		Competition: Maxout,
		Hidden: []Layer{
			{Units: 192, Block: 2, Kernel: 8, Pad: 4, Pool: 4, PoolStride: 2, PoolPad: 1,
				Dropout: 0.2, NoRescale: true, MaxNorm: 0.9, LRScale: 0.05},
			{Units: 384, Block: 2, Kernel: 8, Pad: 3, Pool: 4, PoolStride: 2, PoolPad: 1,
				Dropout: 0.5, MaxNorm: 1.9365, LRScale: 0.05},
			{Units: 384, Block: 2, Kernel: 5, Pad: 3, Pool: 2, PoolStride: 2, PoolPad: 1,
				Dropout: 0.5, MaxNorm: 1.9365, LRScale: 0.05},
			{Units: 2500, Block: 5, Dropout: 0.5, MaxNorm: 1.9}},
		Out:  Layer{Dropout: 0.5, MaxNorm: 1.9365},
		Init: 0.005, Rate: 0.17, FinalRate: 0.0017, LinearDecay: true,
		Momentum: 0.5, FinalMomentum: 0.65, Batch: 128, Epochs: 474,
		Shift: 8, Flip: true,
	}
}

// SmallPhotoNet returns a network of the same kind for shorter runs: fewer maps, smaller filters, no dropout between
// convolutions.
func SmallPhotoNet() Setting {
	return Setting{
		Competition: Maxout,
		Hidden: []Layer{
			{Units: 48, Block: 2, Kernel: 5, Pad: 2, Pool: 3, PoolStride: 2, MaxNorm: 1.9365},
			{Units: 64, Block: 2, Kernel: 3, Pad: 1, Pool: 3, PoolStride: 2, MaxNorm: 1.9365},
			{Units: 64, Block: 2, Kernel: 3, Pad: 1, Pool: 3, PoolStride: 2, MaxNorm: 1.9365},
			{Units: 500, Block: 5, MaxNorm: 1.9}},
		Out:  Layer{Dropout: 0.5, MaxNorm: 1.9365},
		Init: 0.05, Rate: 0.02, FinalRate: 0.0002, LinearDecay: true,
		Momentum: 0.9, FinalMomentum: 0.9, Batch: 100, Epochs: 10,
		Shift: 2, Flip: true,
	}
}
