// Traffic writes a capture of made-up traffic: the same flags give the same bytes.
//
// The traffic is what a flow monitor has to cope with: TCP connections that are opened, refused,
// closed, reset, left open and used again, with lost and repeated segments; UDP, with DNS among
// it; pings; IPv4 and IPv6; conversations that fall silent for longer than any usual timeout and go
// on. All of it is interleaved in time.
//
// The addresses belong to two sites, 10.0.0.0/9 with 2001:db8::/33 and 10.128.0.0/9 with
// 2001:db8:8000::/33. Nobody talks to the other site, so a prefix names a half of the traffic
// that can be taken away.
package main

import (
	"bufio"
	"flag"
	"fmt"
	"io"
	"os"
)

func main() {
	seed := flag.Uint64("seed", 1, "what the traffic is made from")
	flows := flag.Int("flows", 1000, "number of flows")
	packets := flag.Int("packets", 60000, "number of packets")
	output := flag.String("o", "", "capture file to write, - for standard output")
	flag.Parse()
	if *output == "" || flag.NArg() != 0 || *flows < 1 || *packets < *flows {
		fmt.Fprintln(os.Stderr, "traffic: want -o FILE, and at least one packet for each flow")
		flag.Usage()
		os.Exit(2)
	}
	if err := run(*seed, *flows, *packets, *output); err != nil {
		fmt.Fprintln(os.Stderr, "traffic:", err)
		os.Exit(1)
	}
}

func run(seed uint64, flows, packets int, output string) error {
	capture, err := generate(seed, flows, packets)
	if err != nil {
		return err
	}
	if output == "-" {
		return write(os.Stdout, capture)
	}
	file, err := os.Create(output)
	if err != nil {
		return err
	}
	if err := write(file, capture); err != nil {
		file.Close()
		return err
	}
	return file.Close()
}

func write(w io.Writer, capture []packet) error {
	buffered := bufio.NewWriterSize(w, 1<<20)
	if err := writePcap(buffered, capture); err != nil {
		return err
	}
	return buffered.Flush()
}
