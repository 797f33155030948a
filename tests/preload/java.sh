#!/bin/sh
# SPDX-License-Identifier: MIT
# A JVM with the library compiles and runs a program of many threads, direct buffers and
# compression, with the output that it has without.
# shellcheck source=tests/preload/common.sh
. "${top_srcdir:?}/tests/preload/common.sh"
need java default-jdk-headless
need javac default-jdk-headless

cat >"$work/Main.java" <<'SOURCE'
import java.nio.ByteBuffer;
import java.nio.file.*;
import java.security.MessageDigest;
import java.util.*;
import java.util.concurrent.*;
import java.util.stream.*;
import java.util.zip.*;

public class Main {
	static byte[] work(int seed) throws Exception {
		Random random = new Random(seed);
		MessageDigest digest = MessageDigest.getInstance("SHA-256");
		for (int round = 0; round < 60; round++) {
			ByteBuffer buffer = ByteBuffer.allocateDirect(1 + random.nextInt(90000));
			byte[] data = new byte[buffer.capacity()], packed = new byte[data.length + 100];
			for (int i = 0; i < data.length; i++)
				data[i] = (byte) (i * seed + (random.nextInt(50) == 0 ? 1 : 0));
			buffer.put(data).flip();
			Deflater deflater = new Deflater(1 + round % 9);
			deflater.setInput(data);
			deflater.finish();
			int length = deflater.deflate(packed);
			deflater.end();
			Inflater inflater = new Inflater();
			inflater.setInput(packed, 0, length);
			byte[] back = new byte[data.length];
			inflater.inflate(back);
			inflater.end();
			if (!Arrays.equals(back, data))
				throw new IllegalStateException("not the same after inflate");
			digest.update(buffer);
		}
		return digest.digest();
	}

	public static void main(String[] arguments) throws Exception {
		if (arguments.length > 0 && !Files.readString(Path.of("/proc/self/maps")).contains(arguments[0]))
			throw new IllegalStateException("the JVM does not have the library");
		ExecutorService pool = Executors.newFixedThreadPool(6);
		List<Future<byte[]>> results = new ArrayList<>();
		for (int i = 1; i <= 24; i++) {
			final int seed = i;
			results.add(pool.submit(() -> work(seed)));
		}
		for (Future<byte[]> result : results)
			System.out.println(new java.math.BigInteger(1, result.get()).toString(16));
		pool.shutdown();
		Map<Integer, List<String>> words = IntStream.range(0, 200000).parallel().mapToObj(Integer::toString)
			.collect(Collectors.groupingByConcurrent(String::length, ConcurrentSkipListMap::new, Collectors.toList()));
		words.forEach((length, list) -> System.out.println(length + " " + list.size()));
		Thread[] threads = new Thread[200];
		for (int i = 0; i < threads.length; i++) (threads[i] = new Thread(() -> new byte[50000].clone())).start();
		for (Thread thread : threads) thread.join();
		System.out.println("done");
	}
}
SOURCE

cd "$work" || exit 99
mkdir expected_classes found_classes
javac -d expected_classes Main.java || fail "javac itself"
preloaded javac -d found_classes Main.java || fail "javac: exit $?"
expect_same expected_classes/Main.class found_classes/Main.class "the class"
java -Xmx256m -cp expected_classes Main >expected || fail "the program itself"
for options in '' '-XX:+UseSerialGC -XX:NativeMemoryTracking=summary'; do
	# shellcheck disable=SC2086 # several options
	preloaded java -Xmx256m $options -cp found_classes Main "$(readlink -f "$library")" >found ||
		fail "java $options: exit $?"
	expect_same expected found "the output of java $options"
done
