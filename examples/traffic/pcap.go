package main

import (
	"encoding/binary"
	"io"
)

// The classic capture format, with microseconds.
// https://www.ietf.org/archive/id/draft-ietf-opsawg-pcap-04.html
//
// gopacket's pcapgo writes it, too, but that package also listens on interfaces and so wants
// golang.org/x/net. Forty bytes of headers are not worth a dependency.
const (
	pcapMagic    = 0xa1b2c3d4
	pcapSnaplen  = 65535
	pcapEthernet = 1
)

func writePcap(w io.Writer, packets []packet) error {
	le := binary.LittleEndian
	header := le.AppendUint32(nil, pcapMagic)
	header = le.AppendUint16(header, 2) // version 2.4
	header = le.AppendUint16(header, 4)
	header = le.AppendUint32(header, 0) // offset to UTC
	header = le.AppendUint32(header, 0) // accuracy
	header = le.AppendUint32(header, pcapSnaplen)
	header = le.AppendUint32(header, pcapEthernet)
	if _, err := w.Write(header); err != nil {
		return err
	}
	for _, p := range packets {
		header = le.AppendUint32(header[:0], uint32(p.at/1e6))
		header = le.AppendUint32(header, uint32(p.at%1e6))
		header = le.AppendUint32(header, uint32(len(p.data)))
		header = le.AppendUint32(header, uint32(len(p.data)))
		if _, err := w.Write(header); err != nil {
			return err
		}
		if _, err := w.Write(p.data); err != nil {
			return err
		}
	}
	return nil
}
