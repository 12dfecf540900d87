// SPDX-License-Identifier: Apache-2.0

package lcn15

// ReLUNet returns the network of figures 3 and 4 and of the first row of table 1: three layers of 1000 rectified
// linear units, no dropout, training until the validation error has not fallen for ten epochs [LCN15, sections 3.1 to
// 3.3]. The document does not say how it was trained: rate, momentum and first weights are ours. From larger first
// weights, such as nn.He, units change less while they learn, and the nearest code errs more often.
func ReLUNet() Setting {
	return Setting{
		Competition: ReLU, Hidden: []Layer{{Units: 1000}, {Units: 1000}, {Units: 1000}},
		Init: 0.02, Rate: 0.1, FinalRate: 0.001, Momentum: 0.9, FinalMomentum: 0.9, Batch: 100,
		Epochs: 25, Patience: 10,
	}
}

// LWTANet returns the network of the second row of table 1: blocks of two units, with dropout. The document says no
// more: three layers of 1000 units and the first weights are those of the first row, and the rest is ours, chosen by
// errors of the validation images. More dropout of hidden units, or a rate that moves weights less, needs many more
// epochs to come as far. Weights that begin as large as those of nn.He hardly grow, chance goes on to decide who wins
// a block, and the nearest code errs more often than the softmax.
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

// MaxoutNet returns the network of the third row of table 1: two layers of 240 blocks of five units, with dropout and
// short weights, then trained on the validation images as well [LCN15, section 3.3; GWMCB13, section 5.1]. The first
// weights, dropout and limits are those of the program behind [GWMCB13]. It trains for hundreds of epochs at a rate
// that hardly falls, with a momentum of 0.5 to 0.7; this setting for fewer, at a rate that falls to nearly 0, with
// more momentum. With the momentum of that program fewer epochs left the weights small, and the nearest code erred
// more often; so it did with less than half as many epochs.
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

// DropoutNet returns the network of section 3.4, three layers of 800 rectified linear units, without dropout or with
// it. Both start from the same weights for the same seed [LCN15]. Without, training ends when the validation error
// has not fallen for ten epochs. Rates and epochs are ours.
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

// ConvNet returns the convolutional maxout network for digits, that of [GWMCB13] which section 3.3 reproduces. Its
// codes have one 1 for each of 24 blocks at each of 6 x 6 places. width divides the number of maps, 1 for those of
// the document. The first weights of fewer maps are larger, or training would not begin.
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

// PhotoNet returns the network of table 2 for CIFAR-10 or, with as many classes, CIFAR-100, that of [GWMCB13]: images
// shifted and mirrored, contrast normalised and whitened before. Its codes are those of the fully connected layer.
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

// SmallPhotoNet returns a network of the same kind at about a sixtieth of the work, for shorter runs: fewer maps,
// smaller filters, no dropout between convolutions.
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
