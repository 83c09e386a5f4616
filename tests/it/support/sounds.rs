//! Small recordings, made on the spot: noise at a moderate level, so that no check finds anything.

/// 16-bit samples of noise; another seed gives other noise.
fn noise(frames: usize, seed: u32) -> impl Iterator<Item = i16> {
    let mut state = seed.wrapping_mul(2_654_435_761).wrapping_add(1);
    (0..frames).map(move |_| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (i16::from_be_bytes([(state >> 24) as u8, (state >> 16) as u8])) / 4
    })
}

/// RIFF WAVE, 8 kHz, mono, 16-bit PCM: a form that browsers play.
pub fn wav(frames: usize, seed: u32) -> Vec<u8> {
    let data_len = u32::try_from(frames * 2).unwrap();
    let mut file = Vec::new();
    file.extend(b"RIFF");
    file.extend((36 + data_len).to_le_bytes());
    file.extend(b"WAVEfmt ");
    for word in [16_u32, 0x0001_0001, 8_000, 16_000, 0x0010_0002] {
        file.extend(word.to_le_bytes());
    }
    file.extend(b"data");
    file.extend(data_len.to_le_bytes());
    file.extend(noise(frames, seed).flat_map(i16::to_le_bytes));
    file
}

/// Sun audio with the same samples: a form that browsers do not play.
pub fn au(frames: usize, seed: u32) -> Vec<u8> {
    let mut file = b".snd".to_vec();
    for word in [24, u32::try_from(frames * 2).unwrap(), 3, 8_000, 1] {
        file.extend(word.to_be_bytes());
    }
    file.extend(noise(frames, seed).flat_map(i16::to_be_bytes));
    file
}

/// RIFF WAVE, 8 kHz, two channels, 16-bit PCM.
pub fn stereo(frames: usize, seed: u32) -> Vec<u8> {
    let mut file = wav(frames * 2, seed);
    file[22..24].copy_from_slice(&2_u16.to_le_bytes());
    file[28..32].copy_from_slice(&32_000_u32.to_le_bytes());
    file[32..34].copy_from_slice(&4_u16.to_le_bytes());
    file
}
