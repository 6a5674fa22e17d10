mod disk;
mod images;

use super::*;

const SEEDS: u64 = 40;

fn database(fs: &SimFs) -> Arc<dyn Dir> {
    fs.open_dir(Path::new("/data/db"), true).unwrap()
}

fn create(dir: &Arc<dyn Dir>, name: &str, bytes: &[u8]) -> Arc<dyn File> {
    let file = dir.open(name, OpenMode::CreateNew).unwrap();
    file.write_all_at(bytes, 0).unwrap();
    file
}

fn bytes(file: &dyn File) -> Vec<u8> {
    let mut bytes = vec![0; file.len().unwrap() as usize];
    assert_eq!(file.read_at(&mut bytes, 0).unwrap(), bytes.len());
    bytes
}

/// The content of a file, `None` if it is not there.
fn content(fs: &SimFs, name: &str) -> Option<Vec<u8>> {
    let dir = fs.open_dir(Path::new("/data/db"), false).unwrap();
    match dir.open(name, OpenMode::Read) {
        Ok(file) => Some(bytes(&*file)),
        Err(error) => {
            assert_eq!(error.kind(), io::ErrorKind::NotFound);
            None
        }
    }
}

/// Every image of `fs`, of every style.
fn images(fs: &SimFs) -> impl Iterator<Item = (Style, SimFs)> {
    Style::ALL
        .into_iter()
        .flat_map(move |style| (0..SEEDS).map(move |seed| (style, fs.crash_image(seed, style))))
}

/// The contents a file has in the images of a style, without repetition.
fn contents(fs: &SimFs, style: Style, name: &str) -> std::collections::BTreeSet<Option<Vec<u8>>> {
    images(fs).filter(|(found, _)| *found == style).map(|(_, image)| content(&image, name)).collect()
}
